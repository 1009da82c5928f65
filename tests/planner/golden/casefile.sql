WITH answer AS
(
  SELECT ('{"case":' || coalesce((
    SELECT (E'\x01S' || CAST(case1.person_id AS TEXT) || E'\x02' || (
      SELECT (E'{"id":"ca_\x01Ica.' || CAST(case1.id AS TEXT) || E'\x02","state":' || CASE WHEN (case1.holder_id = $3::UUID OR 'case' = ANY (beside2.c0)) THEN CASE WHEN (case1.holder_id = $3::UUID OR 'case' = ANY (beside2.c1)) THEN (E'\x01R0\x02' || coalesce(('"' || upper(CAST(case1.state AS TEXT)) || '"'), 'null'::text)) ELSE E'\x01W9\x02'::text END ELSE E'\x01W8\x02'::text END || ',"profile":' || CASE WHEN (case1.holder_id = $3::UUID OR 'case' = ANY (beside2.c0)) THEN CASE WHEN (case1.holder_id = $3::UUID OR 'case' = ANY (beside2.c1)) THEN (E'\x01R1\x02{"disciplines":' || CASE WHEN (cardinality(case1.disciplines) = 0) THEN '[]'::text ELSE ('["' || upper(array_to_string(case1.disciplines, '","'::text)) || '"]') END || ',"originRegion":' || coalesce(('"' || upper(CAST(case1.origin_region AS TEXT)) || '"'), 'null'::text) || '}') ELSE E'\x01W4\x02'::text END ELSE E'\x01W3\x02'::text END || ',"identity":' || CASE WHEN (case1.holder_id = $3::UUID OR 'identity' = ANY (beside2.c0)) THEN CASE WHEN (case1.holder_id = $3::UUID OR 'identity' = ANY (beside2.c1)) THEN CASE WHEN (beside2.c2 IS NOT NULL) THEN (E'\x01R2\x02' || coalesce((
        SELECT (E'\x01X0.' || CAST(sealed3.case_id AS TEXT) || '.' || CAST(sealed3.subject_id AS TEXT) || '.' || CAST(sealed3.version AS TEXT) || '.' || beside2.c2 || '.' || encode(sealed3.sealed, 'base64'::text) || E'\x02') AS anon_15
        FROM case_identity AS sealed3
        WHERE sealed3.case_id = case1.id
      ), 'null'::text)) ELSE E'\x01W2\x02'::text END ELSE E'\x01W1\x02'::text END ELSE E'\x01W0\x02'::text END || ',"risk":' || CASE WHEN (case1.holder_id = $3::UUID OR 'risk' = ANY (beside2.c0)) THEN CASE WHEN (case1.holder_id = $3::UUID OR 'risk' = ANY (beside2.c1)) THEN CASE WHEN (beside2.c2 IS NOT NULL) THEN (E'\x01R3\x02' || coalesce((
        SELECT (E'\x01X1.' || CAST(sealed4.case_id AS TEXT) || '.' || CAST(sealed4.subject_id AS TEXT) || '.' || CAST(sealed4.version AS TEXT) || '.' || beside2.c2 || '.' || encode(sealed4.sealed, 'base64'::text) || E'\x02') AS anon_16
        FROM case_risk AS sealed4
        WHERE sealed4.case_id = case1.id
      ), 'null'::text)) ELSE E'\x01W7\x02'::text END ELSE E'\x01W6\x02'::text END ELSE E'\x01W5\x02'::text END || '}') AS anon_14
      FROM (
        SELECT array((
          SELECT unnest(CAST(agreement_1.categories AS TEXT[])) AS unnest_1
          FROM agreement AS agreement_1
          WHERE agreement_1.organisation_id = $3::UUID AND agreement_1.state = 'in_force' AND (agreement_1.from_on IS NULL OR agreement_1.from_on <= $7::VARCHAR) AND (agreement_1.until_on IS NULL OR (agreement_1.until_on || '~') >= $7::VARCHAR) AND ('assessment'::text IS NULL OR 'assessment'::text = ANY (CAST(agreement_1.purposes AS TEXT[])))
        )) AS c0, array((
          SELECT unnest(CAST(consent_1.categories AS TEXT[])) AS unnest_2
          FROM consent AS consent_1
          WHERE consent_1.person_id = case1.person_id AND consent_1.recipient_id = $3::UUID AND consent_1.state IN ('given', 'limited') AND consent_1.withdrawn_at IS NULL AND 'assessment'::text = ANY (CAST(consent_1.purposes AS TEXT[])) AND consent_1.from_on <= CAST($7::VARCHAR AS DATE) AND consent_1.until_on >= CAST($7::VARCHAR AS DATE) AND (EXISTS (
            SELECT *
            FROM referral AS referral_1
            WHERE referral_1.case_id = case1.id AND referral_1.recipient_id = $3::UUID AND referral_1.person_id = consent_1.person_id AND referral_1.sent_at IS NOT NULL AND referral_1.state IN ('received', 'in_review', 'info_requested', 'partial_offer', 'waitlisted', 'accepted', 'in_progress', 'on_hold', 'outcome_reported') AND CAST(referral_1.purpose AS TEXT) = 'assessment'::text
          ))
        )) AS c1, (
          SELECT (CAST(subject_key_1.kek_version AS TEXT) || '.' || encode(subject_key_1.wrapped, 'base64'::text)) AS anon_17
          FROM subject_key AS subject_key_1
          WHERE subject_key_1.subject_id = case1.person_id AND subject_key_1.wrapped IS NOT NULL
        ) AS c2
         LIMIT ALL OFFSET 0
      ) AS beside2
    )) AS anon_13
    FROM case_file AS case1
    WHERE case1.id = $8::UUID AND (EXISTS (
      SELECT *
      FROM agreement AS agreement_2
      WHERE agreement_2.organisation_id = $3::UUID AND agreement_2.state = 'in_force' AND (agreement_2.from_on IS NULL OR agreement_2.from_on <= $7::VARCHAR) AND (agreement_2.until_on IS NULL OR (agreement_2.until_on || '~') >= $7::VARCHAR)
    )) AND (case1.holder_id = $3::UUID OR (EXISTS (
      SELECT *
      FROM referral AS referral_2
      WHERE referral_2.case_id = case1.id AND referral_2.recipient_id = $3::UUID AND referral_2.sent_at IS NOT NULL AND referral_2.state IN ('received', 'in_review', 'info_requested', 'partial_offer', 'waitlisted', 'accepted', 'in_progress', 'on_hold', 'outcome_reported')
    )) AND (EXISTS (
      SELECT *
      FROM person AS person_1
      WHERE person_1.id = case1.person_id AND NOT person_1.frozen AND NOT ($3::UUID = ANY (person_1.blocked_organisations))
    )))
  ), 'null'::text) || '}') AS body
),
told AS MATERIALIZED
(
  SELECT answer.body AS body, array((
    SELECT DISTINCT CAST(left(pieces.piece, 36) AS UUID) AS found
    FROM unnest(string_to_array(answer.body, E'\x01S'::text)) WITH ORDINALITY AS pieces(piece, n)
    WHERE pieces.n > 1
  )) AS subjects, array((
    SELECT DISTINCT split_part(pieces.piece, E'\x02'::text, 1) AS found
    FROM unnest(string_to_array(answer.body, E'\x01'::text)) WITH ORDINALITY AS pieces(piece, n)
    WHERE left(pieces.piece, 1) IN ('R'::text, 'W'::text)
  )) AS marks
  FROM answer
),
leaf AS
(INSERT INTO audit_leaf (at, kind, relation, actor_id, organisation_id, client, purpose, subjects, categories, fields_returned, fields_withheld, request_id, operation_hash) SELECT $1::TIMESTAMP WITH TIME ZONE AS anon_1, 'read'::text AS anon_2, 'partner_agreement'::text AS anon_3, $2::UUID AS anon_4, $3::UUID AS anon_5, $4::VARCHAR AS anon_6, 'assessment'::text AS anon_7, told.subjects AS subjects, (CASE WHEN (cardinality(told.subjects) > 0 OR (told.marks && '{R0,R1}'::text[])) THEN '{case}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{R2}'::text[]) THEN '{identity}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{R3}'::text[]) THEN '{risk}'::text[] ELSE '{}'::text[] END) AS anon_8, (CASE WHEN (cardinality(told.subjects) > 0) THEN '{Case.id}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{R2}'::text[]) THEN '{Case.identity}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{R1}'::text[]) THEN '{Case.profile}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{R3}'::text[]) THEN '{Case.risk}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{R0}'::text[]) THEN '{Case.state}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{R2}'::text[]) THEN '{Identity.legalName}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{R3}'::text[]) THEN '{Incident.act}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{R1}'::text[]) THEN '{Profile.disciplines,Profile.originRegion}'::text[] ELSE '{}'::text[] END || CASE WHEN (cardinality(told.subjects) > 0) THEN '{Query.case}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{R3}'::text[]) THEN '{Risk.claim,Risk.incidents}'::text[] ELSE '{}'::text[] END) AS anon_9, (CASE WHEN (told.marks && '{W0,W1,W2}'::text[]) THEN '{Case.identity}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{W3,W4}'::text[]) THEN '{Case.profile}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{W5,W6,W7}'::text[]) THEN '{Case.risk}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{W8,W9}'::text[]) THEN '{Case.state}'::text[] ELSE '{}'::text[] END) AS anon_10, $5::VARCHAR AS anon_11, $6::BYTEA AS anon_12
FROM told
WHERE told.body != E'\x01D\x02'::text RETURNING audit_leaf.id)
 SELECT answer.body
FROM answer
