WITH answer AS
(
  SELECT ('{"referrals":{"nodes":[' || array_to_string(array((
    SELECT (E'\x01S' || CAST(referral1.person_id AS TEXT) || E'\x02' || (
      SELECT ('{"declineText":' || CASE WHEN (referral1.sender_id = $3::UUID) THEN CASE WHEN (beside3.c0 IS NOT NULL) THEN (E'\x01R0\x02' || coalesce((
        SELECT (E'\x01X0.' || CAST(sealed2.event_id AS TEXT) || '.' || CAST(sealed2.subject_id AS TEXT) || '.' || CAST(sealed2.version AS TEXT) || '.' || beside3.c0 || '.' || encode(sealed2.sealed, 'base64'::text) || E'\x02') AS anon_15
        FROM event_words AS sealed2
        WHERE sealed2.referral_id = referral1.id AND sealed2.kind = 'decline'
      ), 'null'::text)) ELSE E'\x01W1\x02'::text END ELSE E'\x01W0\x02'::text END || ',"withdrawReason":' || CASE WHEN (referral1.sender_id = $3::UUID) THEN CASE WHEN (beside3.c0 IS NOT NULL) THEN (E'\x01R1\x02' || coalesce((
        SELECT (E'\x01X1.' || CAST(sealed4.event_id AS TEXT) || '.' || CAST(sealed4.subject_id AS TEXT) || '.' || CAST(sealed4.version AS TEXT) || '.' || beside3.c0 || '.' || encode(sealed4.sealed, 'base64'::text) || E'\x02') AS anon_16
        FROM event_words AS sealed4
        WHERE sealed4.referral_id = referral1.id AND sealed4.kind = 'withdrawal'
      ), 'null'::text)) ELSE E'\x01W8\x02'::text END ELSE E'\x01W7\x02'::text END || ',"services":[' || array_to_string(array((
        SELECT (
          SELECT ('{"kind":"' || upper(CAST(referralservice5.kind AS TEXT)) || '","declineReason":' || CASE WHEN ((
            SELECT referral_1.sender_id
            FROM referral AS referral_1
            WHERE referral_1.id = referralservice5.referral_id
          ) = $3::UUID OR 'case' = ANY (beside6.c0)) THEN CASE WHEN ((
            SELECT referral_2.sender_id
            FROM referral AS referral_2
            WHERE referral_2.id = referralservice5.referral_id
          ) = $3::UUID OR 'case' = ANY (beside6.c1)) THEN (E'\x01R2\x02' || coalesce(('"' || upper(CAST(referralservice5.decline_reason AS TEXT)) || '"'), 'null'::text)) ELSE E'\x01W6\x02'::text END ELSE E'\x01W5\x02'::text END || '}') AS anon_18
          FROM (
            SELECT array((
              SELECT unnest(CAST(agreement_1.categories AS TEXT[])) AS unnest_1
              FROM agreement AS agreement_1
              WHERE agreement_1.organisation_id = $3::UUID AND agreement_1.state = 'in_force' AND (agreement_1.from_on IS NULL OR agreement_1.from_on <= $7::VARCHAR) AND (agreement_1.until_on IS NULL OR (agreement_1.until_on || '~') >= $7::VARCHAR) AND ('assessment'::text IS NULL OR 'assessment'::text = ANY (CAST(agreement_1.purposes AS TEXT[])))
            )) AS c0, array((
              SELECT unnest(CAST(consent_1.categories AS TEXT[])) AS unnest_2
              FROM consent AS consent_1
              WHERE consent_1.person_id = (
                SELECT referral_3.person_id
                FROM referral AS referral_3
                WHERE referral_3.id = referralservice5.referral_id
              ) AND consent_1.recipient_id = $3::UUID AND consent_1.state IN ('given', 'limited') AND consent_1.withdrawn_at IS NULL AND 'assessment'::text = ANY (CAST(consent_1.purposes AS TEXT[])) AND consent_1.from_on <= CAST($7::VARCHAR AS DATE) AND consent_1.until_on >= CAST($7::VARCHAR AS DATE) AND (EXISTS (
                SELECT *
                FROM referral AS referral_4
                WHERE referral_4.case_id = (
                  SELECT referral_5.case_id
                  FROM referral AS referral_5
                  WHERE referral_5.id = referralservice5.referral_id
                ) AND referral_4.recipient_id = $3::UUID AND referral_4.person_id = consent_1.person_id AND referral_4.sent_at IS NOT NULL AND referral_4.state IN ('received', 'in_review', 'info_requested', 'partial_offer', 'waitlisted', 'accepted', 'in_progress', 'on_hold', 'outcome_reported') AND CAST(referral_4.purpose AS TEXT) = 'assessment'::text
              ))
            )) AS c1
             LIMIT ALL OFFSET 0
          ) AS beside6
        ) AS anon_17
        FROM referral_service AS referralservice5
        WHERE referralservice5.referral_id = referral1.id ORDER BY referralservice5.kind
      )), ','::text) || '],"events":{"nodes":[' || array_to_string(array((
        SELECT (E'\x01S' || CAST((
          SELECT referral_6.person_id
          FROM referral AS referral_6
          WHERE referral_6.id = referralevent7.referral_id
        ) AS TEXT) || E'\x02' || (
          SELECT ('{"note":' || CASE WHEN ((
            SELECT referral_7.sender_id
            FROM referral AS referral_7
            WHERE referral_7.id = referralevent7.referral_id
          ) = $3::UUID OR 'case' = ANY (beside9.c1)) THEN CASE WHEN ((
            SELECT referral_8.sender_id
            FROM referral AS referral_8
            WHERE referral_8.id = referralevent7.referral_id
          ) = $3::UUID OR 'case' = ANY (beside9.c2)) THEN CASE WHEN (beside9.c0 IS NOT NULL) THEN (E'\x01R3\x02' || coalesce((
            SELECT (E'\x01X2.' || CAST(sealed8.event_id AS TEXT) || '.' || CAST(sealed8.subject_id AS TEXT) || '.' || CAST(sealed8.version AS TEXT) || '.' || beside9.c0 || '.' || encode(sealed8.sealed, 'base64'::text) || E'\x02') AS anon_21
            FROM event_words AS sealed8
            WHERE sealed8.event_id = referralevent7.id AND sealed8.kind = 'note'
          ), 'null'::text)) ELSE E'\x01W4\x02'::text END ELSE E'\x01W3\x02'::text END ELSE E'\x01W2\x02'::text END || '}') AS anon_20
          FROM (
            SELECT (
              SELECT (CAST(subject_key_1.kek_version AS TEXT) || '.' || encode(subject_key_1.wrapped, 'base64'::text)) AS anon_22
              FROM subject_key AS subject_key_1
              WHERE subject_key_1.subject_id = (
                SELECT referral_9.person_id
                FROM referral AS referral_9
                WHERE referral_9.id = referralevent7.referral_id
              ) AND subject_key_1.wrapped IS NOT NULL
            ) AS c0, array((
              SELECT unnest(CAST(agreement_2.categories AS TEXT[])) AS unnest_3
              FROM agreement AS agreement_2
              WHERE agreement_2.organisation_id = $3::UUID AND agreement_2.state = 'in_force' AND (agreement_2.from_on IS NULL OR agreement_2.from_on <= $7::VARCHAR) AND (agreement_2.until_on IS NULL OR (agreement_2.until_on || '~') >= $7::VARCHAR) AND ('assessment'::text IS NULL OR 'assessment'::text = ANY (CAST(agreement_2.purposes AS TEXT[])))
            )) AS c1, array((
              SELECT unnest(CAST(consent_2.categories AS TEXT[])) AS unnest_4
              FROM consent AS consent_2
              WHERE consent_2.person_id = (
                SELECT referral_10.person_id
                FROM referral AS referral_10
                WHERE referral_10.id = referralevent7.referral_id
              ) AND consent_2.recipient_id = $3::UUID AND consent_2.state IN ('given', 'limited') AND consent_2.withdrawn_at IS NULL AND 'assessment'::text = ANY (CAST(consent_2.purposes AS TEXT[])) AND consent_2.from_on <= CAST($7::VARCHAR AS DATE) AND consent_2.until_on >= CAST($7::VARCHAR AS DATE) AND (EXISTS (
                SELECT *
                FROM referral AS referral_11
                WHERE referral_11.case_id = (
                  SELECT referral_12.case_id
                  FROM referral AS referral_12
                  WHERE referral_12.id = referralevent7.referral_id
                ) AND referral_11.recipient_id = $3::UUID AND referral_11.person_id = consent_2.person_id AND referral_11.sent_at IS NOT NULL AND referral_11.state IN ('received', 'in_review', 'info_requested', 'partial_offer', 'waitlisted', 'accepted', 'in_progress', 'on_hold', 'outcome_reported') AND CAST(referral_11.purpose AS TEXT) = 'assessment'::text
              ))
            )) AS c2
             LIMIT ALL OFFSET 0
          ) AS beside9
        )) AS anon_19
        FROM referral_event AS referralevent7
        WHERE referralevent7.referral_id = referral1.id AND (EXISTS (
          SELECT *
          FROM agreement AS agreement_3
          WHERE agreement_3.organisation_id = $3::UUID AND agreement_3.state = 'in_force' AND (agreement_3.from_on IS NULL OR agreement_3.from_on <= $7::VARCHAR) AND (agreement_3.until_on IS NULL OR (agreement_3.until_on || '~') >= $7::VARCHAR)
        )) AND (NOT ((referralevent7.to_state = 'duplicate' OR coalesce(referralevent7.from_state = 'duplicate', false)) AND (EXISTS (
          SELECT *
          FROM referral AS referral_13
          WHERE referral_13.id = referralevent7.referral_id AND coalesce(CASE WHEN (referral_13.sender_id = $3::UUID) THEN 'sender' WHEN (referral_13.recipient_id = $3::UUID) THEN 'recipient' WHEN (false AND referral_13.direction = 'outgoing') THEN 'sender' WHEN (false AND referral_13.direction = 'incoming') THEN 'recipient' END = 'sender', false) AND NOT (EXISTS (
            SELECT *
            FROM consent AS consent_3
            WHERE consent_3.person_id = referral_13.person_id AND consent_3.recipient_id = referral_13.recipient_id AND consent_3.state IN ('given', 'limited') AND consent_3.withdrawn_at IS NULL AND consent_3.until_on >= CAST($7::VARCHAR AS DATE) AND 'duplicate_check' = ANY (CAST(consent_3.purposes AS TEXT[]))
          ))
        ))) AND (EXISTS (
          SELECT *
          FROM referral AS referral_14
          WHERE referral_14.id = referralevent7.referral_id AND referral_14.sender_id = $3::UUID
        )) OR referralevent7.recipient_number IS NOT NULL AND (EXISTS (
          SELECT *
          FROM referral AS referral_15
          WHERE referral_15.id = referralevent7.referral_id AND referral_15.recipient_id = $3::UUID AND referral_15.sent_at IS NOT NULL
        ))) AND referralevent7.kind = $8::VARCHAR ORDER BY CASE WHEN ((
          SELECT CASE WHEN (referral_16.sender_id = $3::UUID) THEN 'sender' WHEN (referral_16.recipient_id = $3::UUID) THEN 'recipient' WHEN (false AND referral_16.direction = 'outgoing') THEN 'sender' WHEN (false AND referral_16.direction = 'incoming') THEN 'recipient' END AS anon_23
          FROM referral AS referral_16
          WHERE referral_16.id = referralevent7.referral_id
        ) = 'recipient') THEN coalesce(referralevent7.recipient_number, referralevent7.number) ELSE referralevent7.number - (
          SELECT count(*) AS count_1
          FROM referral_event AS referral_event_1
          WHERE referral_event_1.referral_id = referralevent7.referral_id AND referral_event_1.number < referralevent7.number AND (referral_event_1.to_state = 'duplicate' OR coalesce(referral_event_1.from_state = 'duplicate', false)) AND (EXISTS (
            SELECT *
            FROM referral AS referral_17
            WHERE referral_17.id = referral_event_1.referral_id AND coalesce(CASE WHEN (referral_17.sender_id = $3::UUID) THEN 'sender' WHEN (referral_17.recipient_id = $3::UUID) THEN 'recipient' WHEN (false AND referral_17.direction = 'outgoing') THEN 'sender' WHEN (false AND referral_17.direction = 'incoming') THEN 'recipient' END = 'sender', false) AND NOT (EXISTS (
              SELECT *
              FROM consent AS consent_4
              WHERE consent_4.person_id = referral_17.person_id AND consent_4.recipient_id = referral_17.recipient_id AND consent_4.state IN ('given', 'limited') AND consent_4.withdrawn_at IS NULL AND consent_4.until_on >= CAST($7::VARCHAR AS DATE) AND 'duplicate_check' = ANY (CAST(consent_4.purposes AS TEXT[]))
            ))
          ))
        ) END ASC, referralevent7.id ASC
         LIMIT $9::INTEGER
      )), ','::text) || ']}}') AS anon_14
      FROM (
        SELECT (
          SELECT (CAST(subject_key_2.kek_version AS TEXT) || '.' || encode(subject_key_2.wrapped, 'base64'::text)) AS anon_24
          FROM subject_key AS subject_key_2
          WHERE subject_key_2.subject_id = referral1.person_id AND subject_key_2.wrapped IS NOT NULL
        ) AS c0
         LIMIT ALL OFFSET 0
      ) AS beside3
    )) AS anon_13
    FROM referral AS referral1
    WHERE (EXISTS (
      SELECT *
      FROM agreement AS agreement_4
      WHERE agreement_4.organisation_id = $3::UUID AND agreement_4.state = 'in_force' AND (agreement_4.from_on IS NULL OR agreement_4.from_on <= $7::VARCHAR) AND (agreement_4.until_on IS NULL OR (agreement_4.until_on || '~') >= $7::VARCHAR)
    )) AND (referral1.sender_id = $3::UUID OR referral1.recipient_id = $3::UUID AND referral1.sent_at IS NOT NULL) AND CASE WHEN (referral1.state = 'duplicate' AND coalesce(CASE WHEN (referral1.sender_id = $3::UUID) THEN 'sender' WHEN (referral1.recipient_id = $3::UUID) THEN 'recipient' WHEN (false AND referral1.direction = 'outgoing') THEN 'sender' WHEN (false AND referral1.direction = 'incoming') THEN 'recipient' END = 'sender', false) AND NOT (EXISTS (
      SELECT *
      FROM consent AS consent_5
      WHERE consent_5.person_id = referral1.person_id AND consent_5.recipient_id = referral1.recipient_id AND consent_5.state IN ('given', 'limited') AND consent_5.withdrawn_at IS NULL AND consent_5.until_on >= CAST($7::VARCHAR AS DATE) AND 'duplicate_check' = ANY (CAST(consent_5.purposes AS TEXT[]))
    ))) THEN CAST(coalesce((
      SELECT referral_event_2.from_state
      FROM referral_event AS referral_event_2
      WHERE referral_event_2.referral_id = referral1.id AND referral_event_2.to_state = 'duplicate' ORDER BY referral_event_2.number DESC
       LIMIT 1
    ), 'sent') AS VARCHAR) ELSE CAST(referral1.state AS VARCHAR) END = ANY ($10::VARCHAR[]) AND CASE WHEN (referral1.state = 'duplicate' AND coalesce(CASE WHEN (referral1.sender_id = $3::UUID) THEN 'sender' WHEN (referral1.recipient_id = $3::UUID) THEN 'recipient' WHEN (false AND referral1.direction = 'outgoing') THEN 'sender' WHEN (false AND referral1.direction = 'incoming') THEN 'recipient' END = 'sender', false) AND NOT (EXISTS (
      SELECT *
      FROM consent AS consent_6
      WHERE consent_6.person_id = referral1.person_id AND consent_6.recipient_id = referral1.recipient_id AND consent_6.state IN ('given', 'limited') AND consent_6.withdrawn_at IS NULL AND consent_6.until_on >= CAST($7::VARCHAR AS DATE) AND 'duplicate_check' = ANY (CAST(consent_6.purposes AS TEXT[]))
    ))) THEN coalesce((
      SELECT referral_event_3.at
      FROM referral_event AS referral_event_3
      WHERE referral_event_3.referral_id = referral1.id AND referral_event_3.to_state != 'duplicate' ORDER BY referral_event_3.number DESC
       LIMIT 1
    ), referral1.created_at) ELSE referral1.since END >= $11::TIMESTAMP WITH TIME ZONE ORDER BY coalesce(CASE WHEN (referral1.state = 'duplicate' AND coalesce(CASE WHEN (referral1.sender_id = $3::UUID) THEN 'sender' WHEN (referral1.recipient_id = $3::UUID) THEN 'recipient' WHEN (false AND referral1.direction = 'outgoing') THEN 'sender' WHEN (false AND referral1.direction = 'incoming') THEN 'recipient' END = 'sender', false) AND NOT (EXISTS (
      SELECT *
      FROM consent AS consent_7
      WHERE consent_7.person_id = referral1.person_id AND consent_7.recipient_id = referral1.recipient_id AND consent_7.state IN ('given', 'limited') AND consent_7.withdrawn_at IS NULL AND consent_7.until_on >= CAST($7::VARCHAR AS DATE) AND 'duplicate_check' = ANY (CAST(consent_7.purposes AS TEXT[]))
    ))) THEN coalesce((
      SELECT referral_event_4.at
      FROM referral_event AS referral_event_4
      WHERE referral_event_4.referral_id = referral1.id AND referral_event_4.to_state != 'duplicate' ORDER BY referral_event_4.number DESC
       LIMIT 1
    ), referral1.created_at) ELSE referral1.since END, 'infinity'::timestamptz) ASC, referral1.id ASC
     LIMIT $12::INTEGER
  )), ','::text) || ']}}') AS body
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
(INSERT INTO audit_leaf (at, kind, relation, actor_id, organisation_id, client, purpose, subjects, categories, fields_returned, fields_withheld, request_id, operation_hash) SELECT $1::TIMESTAMP WITH TIME ZONE AS anon_1, 'read'::text AS anon_2, 'partner_agreement'::text AS anon_3, $2::UUID AS anon_4, $3::UUID AS anon_5, $4::VARCHAR AS anon_6, 'assessment'::text AS anon_7, told.subjects AS subjects, (CASE WHEN (told.marks && '{R0}'::text[]) THEN '{assessment}'::text[] ELSE '{}'::text[] END || '{case}'::text[]) AS anon_8, ('{Query.referrals}'::text[] || CASE WHEN (told.marks && '{R0}'::text[]) THEN '{Referral.declineText}'::text[] ELSE '{}'::text[] END || '{Referral.events}'::text[] || CASE WHEN (cardinality(told.subjects) > 0) THEN '{Referral.services}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{R1}'::text[]) THEN '{Referral.withdrawReason}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{R3}'::text[]) THEN '{ReferralEvent.note}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{R2}'::text[]) THEN '{ReferralService.declineReason}'::text[] ELSE '{}'::text[] END || CASE WHEN (cardinality(told.subjects) > 0) THEN '{ReferralService.kind}'::text[] ELSE '{}'::text[] END) AS anon_9, (CASE WHEN (told.marks && '{W0,W1}'::text[]) THEN '{Referral.declineText}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{W7,W8}'::text[]) THEN '{Referral.withdrawReason}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{W2,W3,W4}'::text[]) THEN '{ReferralEvent.note}'::text[] ELSE '{}'::text[] END || CASE WHEN (told.marks && '{W5,W6}'::text[]) THEN '{ReferralService.declineReason}'::text[] ELSE '{}'::text[] END) AS anon_10, $5::VARCHAR AS anon_11, $6::BYTEA AS anon_12
FROM told
WHERE told.body != E'\x01D\x02'::text RETURNING audit_leaf.id)
 SELECT answer.body
FROM answer
