WITH answer AS
(
  SELECT ('{"referrals":{"nodes":[' || array_to_string(array((
    SELECT (E'\x01S' || CAST(referral1.person_id AS TEXT) || E'\x02' || (
      SELECT ('{"declineText":' || CASE WHEN (referral1.sender_id = $4::UUID) THEN CASE WHEN beside4.c0 THEN (E'\x01R0\x02' || coalesce((
        SELECT (E'\x01X0.' || CAST(sealed2.event_id AS TEXT) || '.' || CAST(sealed2.subject_id AS TEXT) || '.' || CAST(sealed2.version AS TEXT) || '.' || CAST(key3.kek_version AS TEXT) || '.' || encode(key3.wrapped, 'base64'::text) || '.' || encode(sealed2.sealed, 'base64'::text) || E'\x02') AS anon_14
        FROM event_words AS sealed2 JOIN subject_key AS key3 ON key3.subject_id = sealed2.subject_id AND key3.wrapped IS NOT NULL
        WHERE sealed2.referral_id = referral1.id AND sealed2.kind = 'decline'
      ), 'null'::text)) ELSE E'\x01W1\x02'::text END ELSE E'\x01W0\x02'::text END || ',"withdrawReason":' || CASE WHEN (referral1.sender_id = $4::UUID) THEN CASE WHEN beside4.c0 THEN (E'\x01R1\x02' || coalesce((
        SELECT (E'\x01X1.' || CAST(sealed5.event_id AS TEXT) || '.' || CAST(sealed5.subject_id AS TEXT) || '.' || CAST(sealed5.version AS TEXT) || '.' || CAST(key6.kek_version AS TEXT) || '.' || encode(key6.wrapped, 'base64'::text) || '.' || encode(sealed5.sealed, 'base64'::text) || E'\x02') AS anon_15
        FROM event_words AS sealed5 JOIN subject_key AS key6 ON key6.subject_id = sealed5.subject_id AND key6.wrapped IS NOT NULL
        WHERE sealed5.referral_id = referral1.id AND sealed5.kind = 'withdrawal'
      ), 'null'::text)) ELSE E'\x01W8\x02'::text END ELSE E'\x01W7\x02'::text END || ',"services":[' || array_to_string(array((
        SELECT (
          SELECT ('{"kind":"' || upper(CAST(referralservice7.kind AS TEXT)) || '","declineReason":' || CASE WHEN ((
            SELECT referral_1.sender_id
            FROM referral AS referral_1
            WHERE referral_1.id = referralservice7.referral_id
          ) = $4::UUID OR beside8.c0) THEN CASE WHEN ((
            SELECT referral_2.sender_id
            FROM referral AS referral_2
            WHERE referral_2.id = referralservice7.referral_id
          ) = $4::UUID OR 'case' = ANY (beside8.c1)) THEN (E'\x01R2\x02' || coalesce(('"' || upper(CAST(referralservice7.decline_reason AS TEXT)) || '"'), 'null'::text)) ELSE E'\x01W6\x02'::text END ELSE E'\x01W5\x02'::text END || '}') AS anon_17
          FROM (
            SELECT EXISTS (
              SELECT *
              FROM agreement AS agreement_1
              WHERE agreement_1.organisation_id = $4::UUID AND agreement_1.state = 'in_force' AND (agreement_1.from_on IS NULL OR agreement_1.from_on <= $9::VARCHAR) AND (agreement_1.until_on IS NULL OR (agreement_1.until_on || '~') >= $9::VARCHAR) AND 'case' = ANY (CAST(agreement_1.categories AS TEXT[])) AND ($6::VARCHAR IS NULL OR $6::VARCHAR = ANY (CAST(agreement_1.purposes AS TEXT[])))
            ) AS c0, array((
              SELECT unnest(CAST(consent_1.categories AS TEXT[])) AS unnest_1
              FROM consent AS consent_1
              WHERE consent_1.person_id = (
                SELECT referral_3.person_id
                FROM referral AS referral_3
                WHERE referral_3.id = referralservice7.referral_id
              ) AND consent_1.recipient_id = $4::UUID AND consent_1.state IN ('given', 'limited') AND consent_1.withdrawn_at IS NULL AND $6::VARCHAR = ANY (CAST(consent_1.purposes AS TEXT[])) AND consent_1.from_on <= CAST($9::VARCHAR AS DATE) AND consent_1.until_on >= CAST($9::VARCHAR AS DATE) AND (EXISTS (
                SELECT *
                FROM referral AS referral_4
                WHERE referral_4.case_id = (
                  SELECT referral_5.case_id
                  FROM referral AS referral_5
                  WHERE referral_5.id = referralservice7.referral_id
                ) AND referral_4.recipient_id = $4::UUID AND referral_4.person_id = consent_1.person_id AND referral_4.sent_at IS NOT NULL AND referral_4.state IN ('received', 'in_review', 'info_requested', 'partial_offer', 'waitlisted', 'accepted', 'in_progress', 'on_hold', 'outcome_reported') AND CAST(referral_4.purpose AS TEXT) = $6::VARCHAR
              ))
            )) AS c1
             LIMIT ALL OFFSET 0
          ) AS beside8
        ) AS anon_16
        FROM referral_service AS referralservice7
        WHERE referralservice7.referral_id = referral1.id ORDER BY referralservice7.kind
      )), ','::text) || '],"events":{"nodes":[' || array_to_string(array((
        SELECT (E'\x01S' || CAST((
          SELECT referral_6.person_id
          FROM referral AS referral_6
          WHERE referral_6.id = referralevent9.referral_id
        ) AS TEXT) || E'\x02' || (
          SELECT ('{"note":' || CASE WHEN ((
            SELECT referral_7.sender_id
            FROM referral AS referral_7
            WHERE referral_7.id = referralevent9.referral_id
          ) = $4::UUID OR beside12.c0) THEN CASE WHEN ((
            SELECT referral_8.sender_id
            FROM referral AS referral_8
            WHERE referral_8.id = referralevent9.referral_id
          ) = $4::UUID OR 'case' = ANY (beside12.c1)) THEN CASE WHEN beside12.c2 THEN (E'\x01R3\x02' || coalesce((
            SELECT (E'\x01X2.' || CAST(sealed10.event_id AS TEXT) || '.' || CAST(sealed10.subject_id AS TEXT) || '.' || CAST(sealed10.version AS TEXT) || '.' || CAST(key11.kek_version AS TEXT) || '.' || encode(key11.wrapped, 'base64'::text) || '.' || encode(sealed10.sealed, 'base64'::text) || E'\x02') AS anon_20
            FROM event_words AS sealed10 JOIN subject_key AS key11 ON key11.subject_id = sealed10.subject_id AND key11.wrapped IS NOT NULL
            WHERE sealed10.event_id = referralevent9.id AND sealed10.kind = 'note'
          ), 'null'::text)) ELSE E'\x01W4\x02'::text END ELSE E'\x01W3\x02'::text END ELSE E'\x01W2\x02'::text END || '}') AS anon_19
          FROM (
            SELECT EXISTS (
              SELECT *
              FROM agreement AS agreement_2
              WHERE agreement_2.organisation_id = $4::UUID AND agreement_2.state = 'in_force' AND (agreement_2.from_on IS NULL OR agreement_2.from_on <= $9::VARCHAR) AND (agreement_2.until_on IS NULL OR (agreement_2.until_on || '~') >= $9::VARCHAR) AND 'case' = ANY (CAST(agreement_2.categories AS TEXT[])) AND ($6::VARCHAR IS NULL OR $6::VARCHAR = ANY (CAST(agreement_2.purposes AS TEXT[])))
            ) AS c0, array((
              SELECT unnest(CAST(consent_2.categories AS TEXT[])) AS unnest_2
              FROM consent AS consent_2
              WHERE consent_2.person_id = (
                SELECT referral_9.person_id
                FROM referral AS referral_9
                WHERE referral_9.id = referralevent9.referral_id
              ) AND consent_2.recipient_id = $4::UUID AND consent_2.state IN ('given', 'limited') AND consent_2.withdrawn_at IS NULL AND $6::VARCHAR = ANY (CAST(consent_2.purposes AS TEXT[])) AND consent_2.from_on <= CAST($9::VARCHAR AS DATE) AND consent_2.until_on >= CAST($9::VARCHAR AS DATE) AND (EXISTS (
                SELECT *
                FROM referral AS referral_10
                WHERE referral_10.case_id = (
                  SELECT referral_11.case_id
                  FROM referral AS referral_11
                  WHERE referral_11.id = referralevent9.referral_id
                ) AND referral_10.recipient_id = $4::UUID AND referral_10.person_id = consent_2.person_id AND referral_10.sent_at IS NOT NULL AND referral_10.state IN ('received', 'in_review', 'info_requested', 'partial_offer', 'waitlisted', 'accepted', 'in_progress', 'on_hold', 'outcome_reported') AND CAST(referral_10.purpose AS TEXT) = $6::VARCHAR
              ))
            )) AS c1, EXISTS (
              SELECT *
              FROM subject_key AS subject_key_1
              WHERE subject_key_1.subject_id = (
                SELECT referral_12.person_id
                FROM referral AS referral_12
                WHERE referral_12.id = referralevent9.referral_id
              ) AND subject_key_1.wrapped IS NOT NULL
            ) AS c2
             LIMIT ALL OFFSET 0
          ) AS beside12
        )) AS anon_18
        FROM referral_event AS referralevent9
        WHERE referralevent9.referral_id = referral1.id AND (EXISTS (
          SELECT *
          FROM agreement AS agreement_3
          WHERE agreement_3.organisation_id = $4::UUID AND agreement_3.state = 'in_force' AND (agreement_3.from_on IS NULL OR agreement_3.from_on <= $9::VARCHAR) AND (agreement_3.until_on IS NULL OR (agreement_3.until_on || '~') >= $9::VARCHAR)
        )) AND (NOT (referralevent9.to_state = 'duplicate' AND (EXISTS (
          SELECT *
          FROM referral AS referral_13
          WHERE referral_13.id = referralevent9.referral_id AND referral_13.state = 'duplicate' AND coalesce(CASE WHEN (referral_13.sender_id = $4::UUID) THEN 'sender' WHEN (referral_13.recipient_id = $4::UUID) THEN 'recipient' WHEN ($10::BOOLEAN AND referral_13.direction = 'outgoing') THEN 'sender' WHEN ($10::BOOLEAN AND referral_13.direction = 'incoming') THEN 'recipient' END = 'sender', false) AND NOT (EXISTS (
            SELECT *
            FROM consent AS consent_3
            WHERE consent_3.person_id = referral_13.person_id AND consent_3.recipient_id = referral_13.recipient_id AND consent_3.state IN ('given', 'limited') AND consent_3.withdrawn_at IS NULL AND consent_3.until_on >= CAST($9::VARCHAR AS DATE) AND 'duplicate_check' = ANY (CAST(consent_3.purposes AS TEXT[]))
          ))
        ))) AND (EXISTS (
          SELECT *
          FROM referral AS referral_14
          WHERE referral_14.id = referralevent9.referral_id AND referral_14.sender_id = $4::UUID
        )) OR referralevent9.recipient_number IS NOT NULL AND (EXISTS (
          SELECT *
          FROM referral AS referral_15
          WHERE referral_15.id = referralevent9.referral_id AND referral_15.recipient_id = $4::UUID AND referral_15.sent_at IS NOT NULL
        ))) AND referralevent9.kind = $11::VARCHAR ORDER BY referralevent9.number ASC, referralevent9.id ASC
         LIMIT $12::INTEGER
      )), ','::text) || ']}}') AS anon_13
      FROM (
        SELECT EXISTS (
          SELECT *
          FROM subject_key AS subject_key_2
          WHERE subject_key_2.subject_id = referral1.person_id AND subject_key_2.wrapped IS NOT NULL
        ) AS c0
         LIMIT ALL OFFSET 0
      ) AS beside4
    )) AS anon_12
    FROM referral AS referral1
    WHERE (EXISTS (
      SELECT *
      FROM agreement AS agreement_4
      WHERE agreement_4.organisation_id = $4::UUID AND agreement_4.state = 'in_force' AND (agreement_4.from_on IS NULL OR agreement_4.from_on <= $9::VARCHAR) AND (agreement_4.until_on IS NULL OR (agreement_4.until_on || '~') >= $9::VARCHAR)
    )) AND (referral1.sender_id = $4::UUID OR referral1.recipient_id = $4::UUID AND referral1.sent_at IS NOT NULL) AND CASE WHEN (referral1.state = 'duplicate' AND coalesce(CASE WHEN (referral1.sender_id = $4::UUID) THEN 'sender' WHEN (referral1.recipient_id = $4::UUID) THEN 'recipient' WHEN ($10::BOOLEAN AND referral1.direction = 'outgoing') THEN 'sender' WHEN ($10::BOOLEAN AND referral1.direction = 'incoming') THEN 'recipient' END = 'sender', false) AND NOT (EXISTS (
      SELECT *
      FROM consent AS consent_4
      WHERE consent_4.person_id = referral1.person_id AND consent_4.recipient_id = referral1.recipient_id AND consent_4.state IN ('given', 'limited') AND consent_4.withdrawn_at IS NULL AND consent_4.until_on >= CAST($9::VARCHAR AS DATE) AND 'duplicate_check' = ANY (CAST(consent_4.purposes AS TEXT[]))
    ))) THEN CAST(coalesce((
      SELECT referral_event_1.from_state
      FROM referral_event AS referral_event_1
      WHERE referral_event_1.referral_id = referral1.id AND referral_event_1.to_state = 'duplicate' ORDER BY referral_event_1.number DESC
       LIMIT 1
    ), 'sent') AS VARCHAR) ELSE CAST(referral1.state AS VARCHAR) END = ANY ($13::VARCHAR[]) AND CASE WHEN (referral1.state = 'duplicate' AND coalesce(CASE WHEN (referral1.sender_id = $4::UUID) THEN 'sender' WHEN (referral1.recipient_id = $4::UUID) THEN 'recipient' WHEN ($10::BOOLEAN AND referral1.direction = 'outgoing') THEN 'sender' WHEN ($10::BOOLEAN AND referral1.direction = 'incoming') THEN 'recipient' END = 'sender', false) AND NOT (EXISTS (
      SELECT *
      FROM consent AS consent_5
      WHERE consent_5.person_id = referral1.person_id AND consent_5.recipient_id = referral1.recipient_id AND consent_5.state IN ('given', 'limited') AND consent_5.withdrawn_at IS NULL AND consent_5.until_on >= CAST($9::VARCHAR AS DATE) AND 'duplicate_check' = ANY (CAST(consent_5.purposes AS TEXT[]))
    ))) THEN coalesce((
      SELECT referral_event_2.at
      FROM referral_event AS referral_event_2
      WHERE referral_event_2.referral_id = referral1.id AND referral_event_2.to_state != 'duplicate' ORDER BY referral_event_2.number DESC
       LIMIT 1
    ), referral1.created_at) ELSE referral1.since END >= $14::TIMESTAMP WITH TIME ZONE ORDER BY coalesce(CAST(timezone('UTC', CASE WHEN (referral1.state = 'duplicate' AND coalesce(CASE WHEN (referral1.sender_id = $4::UUID) THEN 'sender' WHEN (referral1.recipient_id = $4::UUID) THEN 'recipient' WHEN ($10::BOOLEAN AND referral1.direction = 'outgoing') THEN 'sender' WHEN ($10::BOOLEAN AND referral1.direction = 'incoming') THEN 'recipient' END = 'sender', false) AND NOT (EXISTS (
      SELECT *
      FROM consent AS consent_6
      WHERE consent_6.person_id = referral1.person_id AND consent_6.recipient_id = referral1.recipient_id AND consent_6.state IN ('given', 'limited') AND consent_6.withdrawn_at IS NULL AND consent_6.until_on >= CAST($9::VARCHAR AS DATE) AND 'duplicate_check' = ANY (CAST(consent_6.purposes AS TEXT[]))
    ))) THEN coalesce((
      SELECT referral_event_3.at
      FROM referral_event AS referral_event_3
      WHERE referral_event_3.referral_id = referral1.id AND referral_event_3.to_state != 'duplicate' ORDER BY referral_event_3.number DESC
       LIMIT 1
    ), referral1.created_at) ELSE referral1.since END) AS TEXT), '9') COLLATE "C" ASC, referral1.id ASC
     LIMIT $15::INTEGER
  )), ','::text) || ']}}') AS body
),
told AS MATERIALIZED
(
  SELECT answer.body AS body, array((
    SELECT DISTINCT CAST(substr(split_part(pieces.piece, E'\x02'::text, 1), 2) AS UUID) AS found
    FROM unnest(string_to_array(answer.body, E'\x01'::text)) AS pieces(piece)
    WHERE left(pieces.piece, 1) IN ('S'::text)
  )) AS subjects, array((
    SELECT DISTINCT split_part(pieces.piece, E'\x02'::text, 1) AS found
    FROM unnest(string_to_array(answer.body, E'\x01'::text)) AS pieces(piece)
    WHERE left(pieces.piece, 1) IN ('R'::text, 'W'::text)
  )) AS marks
  FROM answer
),
leaf AS
(INSERT INTO audit_leaf (at, kind, relation, actor_id, organisation_id, client, purpose, subjects, categories, fields_returned, fields_withheld, request_id, operation_hash) SELECT $1::TIMESTAMP WITH TIME ZONE AS anon_1, 'read'::text AS anon_2, $2::VARCHAR AS anon_3, $3::UUID AS anon_4, $4::UUID AS anon_5, $5::VARCHAR AS anon_6, $6::VARCHAR AS anon_7, told.subjects AS subjects, array((
  SELECT DISTINCT text COLLATE "C" AS anon_8
  FROM unnest('{assessment,case,case,case,case,case}'::text[], '{R0,A,R1,R2,R3,S}'::text[]) AS named(text, mark)
  WHERE mark = 'A'::text OR mark = ANY (told.marks) OR mark = 'S'::text AND cardinality(told.subjects) > 0 ORDER BY text COLLATE "C"
)) AS array_1, array((
  SELECT text
  FROM unnest('{Query.referrals,Referral.declineText,Referral.events,Referral.services,Referral.withdrawReason,ReferralEvent.note,ReferralService.declineReason,ReferralService.kind}'::text[], '{A,R0,A,S,R1,R3,R2,S}'::text[]) AS named(text, mark)
  WHERE mark = 'A'::text OR mark = ANY (told.marks) OR mark = 'S'::text AND cardinality(told.subjects) > 0
)) AS array_2, array((
  SELECT DISTINCT text COLLATE "C" AS anon_9
  FROM unnest('{Referral.declineText,Referral.declineText,Referral.withdrawReason,Referral.withdrawReason,ReferralEvent.note,ReferralEvent.note,ReferralEvent.note,ReferralService.declineReason,ReferralService.declineReason}'::text[], '{W0,W1,W7,W8,W2,W3,W4,W5,W6}'::text[]) AS named(text, mark)
  WHERE mark = 'A'::text OR mark = ANY (told.marks) OR mark = 'S'::text AND cardinality(told.subjects) > 0 ORDER BY text COLLATE "C"
)) AS array_3, $7::VARCHAR AS anon_10, $8::BYTEA AS anon_11
FROM told
WHERE told.body != E'\x01D\x02'::text RETURNING audit_leaf.id)
 SELECT answer.body
FROM answer
