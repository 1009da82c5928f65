WITH answer AS
(
  SELECT ('{"case":' || coalesce((
    SELECT (E'\x01S' || CAST(case1.person_id AS TEXT) || E'\x02{"id":"ca_\x01Ica.' || CAST(case1.id AS TEXT) || E'\x02","state":' || CASE WHEN (case1.holder_id = $4::UUID OR (EXISTS (
      SELECT *
      FROM agreement AS agreement_1
      WHERE agreement_1.organisation_id = $4::UUID AND agreement_1.state = 'in_force' AND (agreement_1.from_on IS NULL OR agreement_1.from_on <= $7::VARCHAR) AND (agreement_1.until_on IS NULL OR (agreement_1.until_on || '~') >= $7::VARCHAR) AND 'case' = ANY (CAST(agreement_1.categories AS TEXT[])) AND ($6::VARCHAR IS NULL OR $6::VARCHAR = ANY (CAST(agreement_1.purposes AS TEXT[])))
    ))) THEN CASE WHEN (case1.holder_id = $4::UUID OR (EXISTS (
      SELECT *
      FROM consent AS consent_1, referral AS referral_1
      WHERE consent_1.person_id = case1.person_id AND consent_1.recipient_id = $4::UUID AND consent_1.state IN ('given', 'limited') AND consent_1.withdrawn_at IS NULL AND 'case' = ANY (CAST(consent_1.categories AS TEXT[])) AND $6::VARCHAR = ANY (CAST(consent_1.purposes AS TEXT[])) AND consent_1.from_on <= CAST($7::VARCHAR AS DATE) AND consent_1.until_on >= CAST($7::VARCHAR AS DATE) AND referral_1.case_id = case1.id AND referral_1.recipient_id = $4::UUID AND referral_1.person_id = consent_1.person_id AND referral_1.sent_at IS NOT NULL AND referral_1.state IN ('received', 'in_review', 'info_requested', 'partial_offer', 'waitlisted', 'accepted', 'in_progress', 'on_hold', 'outcome_reported') AND CAST(referral_1.purpose AS TEXT) = $6::VARCHAR
    ))) THEN (E'\x01R0\x02' || coalesce(('"' || upper(CAST(case1.state AS TEXT)) || '"'), 'null'::text)) ELSE E'\x01W9\x02'::text END ELSE E'\x01W8\x02'::text END || ',"profile":' || CASE WHEN (case1.holder_id = $4::UUID OR (EXISTS (
      SELECT *
      FROM agreement AS agreement_2
      WHERE agreement_2.organisation_id = $4::UUID AND agreement_2.state = 'in_force' AND (agreement_2.from_on IS NULL OR agreement_2.from_on <= $7::VARCHAR) AND (agreement_2.until_on IS NULL OR (agreement_2.until_on || '~') >= $7::VARCHAR) AND 'case' = ANY (CAST(agreement_2.categories AS TEXT[])) AND ($6::VARCHAR IS NULL OR $6::VARCHAR = ANY (CAST(agreement_2.purposes AS TEXT[])))
    ))) THEN CASE WHEN (case1.holder_id = $4::UUID OR (EXISTS (
      SELECT *
      FROM consent AS consent_2, referral AS referral_2
      WHERE consent_2.person_id = case1.person_id AND consent_2.recipient_id = $4::UUID AND consent_2.state IN ('given', 'limited') AND consent_2.withdrawn_at IS NULL AND 'case' = ANY (CAST(consent_2.categories AS TEXT[])) AND $6::VARCHAR = ANY (CAST(consent_2.purposes AS TEXT[])) AND consent_2.from_on <= CAST($7::VARCHAR AS DATE) AND consent_2.until_on >= CAST($7::VARCHAR AS DATE) AND referral_2.case_id = case1.id AND referral_2.recipient_id = $4::UUID AND referral_2.person_id = consent_2.person_id AND referral_2.sent_at IS NOT NULL AND referral_2.state IN ('received', 'in_review', 'info_requested', 'partial_offer', 'waitlisted', 'accepted', 'in_progress', 'on_hold', 'outcome_reported') AND CAST(referral_2.purpose AS TEXT) = $6::VARCHAR
    ))) THEN (E'\x01R1\x02{"disciplines":' || CASE WHEN (cardinality(case1.disciplines) = 0) THEN '[]'::text ELSE ('["' || upper(array_to_string(case1.disciplines, '","'::text)) || '"]') END || ',"originRegion":' || coalesce(('"' || upper(CAST(case1.origin_region AS TEXT)) || '"'), 'null'::text) || '}') ELSE E'\x01W4\x02'::text END ELSE E'\x01W3\x02'::text END || ',"identity":' || CASE WHEN (case1.holder_id = $4::UUID OR (EXISTS (
      SELECT *
      FROM agreement AS agreement_3
      WHERE agreement_3.organisation_id = $4::UUID AND agreement_3.state = 'in_force' AND (agreement_3.from_on IS NULL OR agreement_3.from_on <= $7::VARCHAR) AND (agreement_3.until_on IS NULL OR (agreement_3.until_on || '~') >= $7::VARCHAR) AND 'identity' = ANY (CAST(agreement_3.categories AS TEXT[])) AND ($6::VARCHAR IS NULL OR $6::VARCHAR = ANY (CAST(agreement_3.purposes AS TEXT[])))
    ))) THEN CASE WHEN (case1.holder_id = $4::UUID OR (EXISTS (
      SELECT *
      FROM consent AS consent_3, referral AS referral_3
      WHERE consent_3.person_id = case1.person_id AND consent_3.recipient_id = $4::UUID AND consent_3.state IN ('given', 'limited') AND consent_3.withdrawn_at IS NULL AND 'identity' = ANY (CAST(consent_3.categories AS TEXT[])) AND $6::VARCHAR = ANY (CAST(consent_3.purposes AS TEXT[])) AND consent_3.from_on <= CAST($7::VARCHAR AS DATE) AND consent_3.until_on >= CAST($7::VARCHAR AS DATE) AND referral_3.case_id = case1.id AND referral_3.recipient_id = $4::UUID AND referral_3.person_id = consent_3.person_id AND referral_3.sent_at IS NOT NULL AND referral_3.state IN ('received', 'in_review', 'info_requested', 'partial_offer', 'waitlisted', 'accepted', 'in_progress', 'on_hold', 'outcome_reported') AND CAST(referral_3.purpose AS TEXT) = $6::VARCHAR
    ))) THEN CASE WHEN (EXISTS (
      SELECT *
      FROM subject_key AS subject_key_1
      WHERE subject_key_1.subject_id = case1.person_id AND subject_key_1.wrapped IS NOT NULL
    )) THEN (E'\x01R2\x02' || coalesce((
      SELECT (E'\x01X0.' || CAST(sealed2.case_id AS TEXT) || '.' || CAST(sealed2.subject_id AS TEXT) || '.' || CAST(sealed2.version AS TEXT) || '.' || CAST(key3.kek_version AS TEXT) || '.' || encode(key3.wrapped, 'base64'::text) || '.' || encode(sealed2.sealed, 'base64'::text) || E'\x02') AS anon_9
      FROM case_identity AS sealed2 JOIN subject_key AS key3 ON key3.subject_id = sealed2.subject_id AND key3.wrapped IS NOT NULL
      WHERE sealed2.case_id = case1.id
    ), 'null'::text)) ELSE E'\x01W2\x02'::text END ELSE E'\x01W1\x02'::text END ELSE E'\x01W0\x02'::text END || ',"risk":' || CASE WHEN (case1.holder_id = $4::UUID OR (EXISTS (
      SELECT *
      FROM agreement AS agreement_4
      WHERE agreement_4.organisation_id = $4::UUID AND agreement_4.state = 'in_force' AND (agreement_4.from_on IS NULL OR agreement_4.from_on <= $7::VARCHAR) AND (agreement_4.until_on IS NULL OR (agreement_4.until_on || '~') >= $7::VARCHAR) AND 'risk' = ANY (CAST(agreement_4.categories AS TEXT[])) AND ($6::VARCHAR IS NULL OR $6::VARCHAR = ANY (CAST(agreement_4.purposes AS TEXT[])))
    ))) THEN CASE WHEN (case1.holder_id = $4::UUID OR (EXISTS (
      SELECT *
      FROM consent AS consent_4, referral AS referral_4
      WHERE consent_4.person_id = case1.person_id AND consent_4.recipient_id = $4::UUID AND consent_4.state IN ('given', 'limited') AND consent_4.withdrawn_at IS NULL AND 'risk' = ANY (CAST(consent_4.categories AS TEXT[])) AND $6::VARCHAR = ANY (CAST(consent_4.purposes AS TEXT[])) AND consent_4.from_on <= CAST($7::VARCHAR AS DATE) AND consent_4.until_on >= CAST($7::VARCHAR AS DATE) AND referral_4.case_id = case1.id AND referral_4.recipient_id = $4::UUID AND referral_4.person_id = consent_4.person_id AND referral_4.sent_at IS NOT NULL AND referral_4.state IN ('received', 'in_review', 'info_requested', 'partial_offer', 'waitlisted', 'accepted', 'in_progress', 'on_hold', 'outcome_reported') AND CAST(referral_4.purpose AS TEXT) = $6::VARCHAR
    ))) THEN CASE WHEN (EXISTS (
      SELECT *
      FROM subject_key AS subject_key_2
      WHERE subject_key_2.subject_id = case1.person_id AND subject_key_2.wrapped IS NOT NULL
    )) THEN (E'\x01R3\x02' || coalesce((
      SELECT (E'\x01X1.' || CAST(sealed4.case_id AS TEXT) || '.' || CAST(sealed4.subject_id AS TEXT) || '.' || CAST(sealed4.version AS TEXT) || '.' || CAST(key5.kek_version AS TEXT) || '.' || encode(key5.wrapped, 'base64'::text) || '.' || encode(sealed4.sealed, 'base64'::text) || E'\x02') AS anon_10
      FROM case_risk AS sealed4 JOIN subject_key AS key5 ON key5.subject_id = sealed4.subject_id AND key5.wrapped IS NOT NULL
      WHERE sealed4.case_id = case1.id
    ), 'null'::text)) ELSE E'\x01W7\x02'::text END ELSE E'\x01W6\x02'::text END ELSE E'\x01W5\x02'::text END || '}') AS anon_8
    FROM case_file AS case1
    WHERE case1.id = $8::UUID AND (EXISTS (
      SELECT *
      FROM agreement AS agreement_5
      WHERE agreement_5.organisation_id = $4::UUID AND agreement_5.state = 'in_force' AND (agreement_5.from_on IS NULL OR agreement_5.from_on <= $7::VARCHAR) AND (agreement_5.until_on IS NULL OR (agreement_5.until_on || '~') >= $7::VARCHAR)
    )) AND (case1.holder_id = $4::UUID OR (EXISTS (
      SELECT *
      FROM referral AS referral_5
      WHERE referral_5.case_id = case1.id AND referral_5.recipient_id = $4::UUID AND referral_5.sent_at IS NOT NULL AND referral_5.state IN ('received', 'in_review', 'info_requested', 'partial_offer', 'waitlisted', 'accepted', 'in_progress', 'on_hold', 'outcome_reported')
    )) AND (EXISTS (
      SELECT *
      FROM person AS person_1
      WHERE person_1.id = case1.person_id AND NOT person_1.frozen AND NOT ($4::UUID = ANY (person_1.blocked_organisations))
    )))
  ), 'null'::text) || '}') AS body
),
marks AS
(
  SELECT DISTINCT regexp_matches(answer.body, E'\x01([SRW])([^\x02]*)\x02'::text, 'g'::text) AS mark
  FROM answer
),
leaf AS
(INSERT INTO audit_leaf (at, kind, relation, actor_id, organisation_id, client, purpose, subjects, categories, fields_returned, fields_withheld, request_id, operation_hash) SELECT $1::TIMESTAMP WITH TIME ZONE AS anon_1, 'read'::text AS anon_2, $2::VARCHAR AS anon_3, $3::UUID AS anon_4, $4::UUID AS anon_5, $5::VARCHAR AS anon_6, $6::VARCHAR AS anon_7, array((
  SELECT CAST(marks.mark[2] AS UUID) AS "marks.mark[2]"
  FROM marks
  WHERE marks.mark[1] = 'S'::text ORDER BY marks.mark[2]
)) AS array_1, array((
  SELECT DISTINCT told
  FROM unnest(($9::TEXT[] || CASE WHEN (EXISTS (
    SELECT 1
    FROM marks
    WHERE marks.mark[1] = 'S'::text
  )) THEN $10::TEXT[] ELSE CAST('{}' AS TEXT[]) END) || array((
    SELECT told
    FROM marks JOIN unnest($11::INTEGER[], $12::TEXT[]) AS named(n, told) ON n = CAST(marks.mark[2] AS INTEGER)
    WHERE marks.mark[1] = 'R'::text
  ))) AS each(told) ORDER BY told
)) AS array_2, array((
  SELECT DISTINCT told
  FROM unnest(($13::TEXT[] || CASE WHEN (EXISTS (
    SELECT 1
    FROM marks
    WHERE marks.mark[1] = 'S'::text
  )) THEN $14::TEXT[] ELSE CAST('{}' AS TEXT[]) END) || array((
    SELECT told
    FROM marks JOIN unnest($15::INTEGER[], $16::TEXT[]) AS named(n, told) ON n = CAST(marks.mark[2] AS INTEGER)
    WHERE marks.mark[1] = 'R'::text
  ))) AS each(told) ORDER BY told
)) AS array_3, array((
  SELECT DISTINCT told
  FROM unnest($17::TEXT[] || array((
    SELECT told
    FROM marks JOIN unnest($18::INTEGER[], $19::TEXT[]) AS named(n, told) ON n = CAST(marks.mark[2] AS INTEGER)
    WHERE marks.mark[1] = 'W'::text
  ))) AS each(told) ORDER BY told
)) AS array_4, $20::VARCHAR AS anon_11, $21::BYTEA AS anon_12
FROM answer
WHERE answer.body != E'\x01D\x02'::text RETURNING audit_leaf.id)
 SELECT answer.body
FROM answer
