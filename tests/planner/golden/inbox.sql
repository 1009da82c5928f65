WITH answer AS
(
  SELECT ('{"referrals":{"edges":[' || array_to_string(array((
    SELECT ('{"cursor":' || CAST(to_json(('c4cdc6' || CAST(timezone('UTC', coalesce(referral1.due_at, 'infinity'::timestamptz)) AS TEXT) || CAST(referral1.id AS TEXT))) AS TEXT) || E',"node":\x01S' || CAST(referral1.person_id AS TEXT) || E'\x02{"id":"rf_' || CAST(referral1.id AS TEXT) || '","state":"' || upper(CAST(CASE WHEN (referral1.state = 'duplicate' AND coalesce('recipient' = 'sender', false) AND NOT (EXISTS (
      SELECT *
      FROM consent AS consent_1
      WHERE consent_1.person_id = referral1.person_id AND consent_1.recipient_id = referral1.recipient_id AND consent_1.state IN ('given', 'limited') AND consent_1.withdrawn_at IS NULL AND consent_1.until_on >= CAST($7::VARCHAR AS DATE) AND 'duplicate_check' = ANY (CAST(consent_1.purposes AS TEXT[]))
    ))) THEN CAST(coalesce((
      SELECT referral_event_1.from_state
      FROM referral_event AS referral_event_1
      WHERE referral_event_1.referral_id = referral1.id AND referral_event_1.to_state = 'duplicate' ORDER BY referral_event_1.number DESC
       LIMIT 1
    ), 'sent') AS VARCHAR) ELSE CAST(referral1.state AS VARCHAR) END AS TEXT)) || '","since":"' || to_char(timezone('UTC', CASE WHEN (referral1.state = 'duplicate' AND coalesce('recipient' = 'sender', false) AND NOT (EXISTS (
      SELECT *
      FROM consent AS consent_2
      WHERE consent_2.person_id = referral1.person_id AND consent_2.recipient_id = referral1.recipient_id AND consent_2.state IN ('given', 'limited') AND consent_2.withdrawn_at IS NULL AND consent_2.until_on >= CAST($7::VARCHAR AS DATE) AND 'duplicate_check' = ANY (CAST(consent_2.purposes AS TEXT[]))
    ))) THEN coalesce((
      SELECT referral_event_2.at
      FROM referral_event AS referral_event_2
      WHERE referral_event_2.referral_id = referral1.id AND referral_event_2.to_state != 'duplicate' ORDER BY referral_event_2.number DESC
       LIMIT 1
    ), referral1.created_at) ELSE referral1.since END), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '","urgency":"' || upper(CAST(referral1.urgency AS TEXT)) || '","purpose":"' || upper(CAST(referral1.purpose AS TEXT)) || '","languages":' || CAST(array_to_json(CAST(CASE WHEN false THEN CAST('{}' AS TEXT[]) ELSE referral1.languages END AS TEXT[])) AS TEXT) || ',"originRegion":' || coalesce(('"' || upper(CAST(CASE WHEN false THEN NULL ELSE referral1.origin_region END AS TEXT)) || '"'), 'null'::text) || ',"sender":' || coalesce((
      SELECT ('{"name":' || CAST(to_json(CAST(organisation2.name AS TEXT)) AS TEXT) || '}') AS anon_13
      FROM organisation AS organisation2
      WHERE organisation2.id = referral1.sender_id
    ), E'\x01!\x02'::text) || ',"services":[' || array_to_string(array((
      SELECT ('{"kind":"' || upper(CAST(referralservice3.kind AS TEXT)) || '","answer":"' || upper(CAST(referralservice3.answer AS TEXT)) || '"}') AS anon_14
      FROM referral_service AS referralservice3
      WHERE referralservice3.referral_id = referral1.id ORDER BY referralservice3.kind
    )), ','::text) || '],"clock":' || CASE WHEN (referral1.clock IS NOT NULL AND referral1.due_at IS NOT NULL) THEN ('{"kind":"' || upper(CAST(referral1.clock AS TEXT)) || '","dueAt":"' || to_char(timezone('UTC', referral1.due_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '"}') ELSE 'null'::text END || '}}') AS anon_12
    FROM referral AS referral1
    WHERE (EXISTS (
      SELECT *
      FROM agreement AS agreement_1
      WHERE agreement_1.organisation_id = $3::UUID AND agreement_1.state = 'in_force' AND (agreement_1.from_on IS NULL OR agreement_1.from_on <= $7::VARCHAR) AND (agreement_1.until_on IS NULL OR (agreement_1.until_on || '~') >= $7::VARCHAR)
    )) AND referral1.recipient_id = $3::UUID AND referral1.sent_at IS NOT NULL AND ('recipient' = 'sender' AND (referral1.sender_id = $3::UUID OR false AND referral1.direction = 'outgoing' AND referral1.recipient_id IS DISTINCT FROM $3::UUID) OR 'recipient' = 'recipient' AND (referral1.recipient_id = $3::UUID AND (referral1.sent_at IS NOT NULL OR NOT true) OR false AND referral1.direction = 'incoming' AND referral1.sender_id IS DISTINCT FROM $3::UUID)) AND ((referral1.state NOT IN ('closed', 'declined', 'withdrawn', 'consent_revoked', 'expired', 'duplicate', 'entered_in_error')) OR referral1.state = 'duplicate' AND coalesce('recipient' = 'sender', false) AND NOT (EXISTS (
      SELECT *
      FROM consent AS consent_3
      WHERE consent_3.person_id = referral1.person_id AND consent_3.recipient_id = referral1.recipient_id AND consent_3.state IN ('given', 'limited') AND consent_3.withdrawn_at IS NULL AND consent_3.until_on >= CAST($7::VARCHAR AS DATE) AND 'duplicate_check' = ANY (CAST(consent_3.purposes AS TEXT[]))
    )) AND (coalesce((
      SELECT referral_event_3.from_state
      FROM referral_event AS referral_event_3
      WHERE referral_event_3.referral_id = referral1.id AND referral_event_3.to_state = 'duplicate' ORDER BY referral_event_3.number DESC
       LIMIT 1
    ), 'sent') NOT IN ('closed', 'declined', 'withdrawn', 'consent_revoked', 'expired', 'duplicate', 'entered_in_error'))) = true ORDER BY coalesce(referral1.due_at, 'infinity'::timestamptz) ASC, referral1.id ASC
     LIMIT $8::INTEGER
  )), ','::text) || '],"totalCount":' || (
    SELECT CASE WHEN (count(*) > 10000) THEN 'null'::text ELSE CAST(count(*) AS TEXT) END AS anon_15
    FROM (
      SELECT 1
      FROM referral AS referral4
      WHERE (EXISTS (
        SELECT *
        FROM agreement AS agreement_2
        WHERE agreement_2.organisation_id = $3::UUID AND agreement_2.state = 'in_force' AND (agreement_2.from_on IS NULL OR agreement_2.from_on <= $7::VARCHAR) AND (agreement_2.until_on IS NULL OR (agreement_2.until_on || '~') >= $7::VARCHAR)
      )) AND referral4.recipient_id = $3::UUID AND referral4.sent_at IS NOT NULL AND ('recipient' = 'sender' AND (referral4.sender_id = $3::UUID OR false AND referral4.direction = 'outgoing' AND referral4.recipient_id IS DISTINCT FROM $3::UUID) OR 'recipient' = 'recipient' AND (referral4.recipient_id = $3::UUID AND (referral4.sent_at IS NOT NULL OR NOT true) OR false AND referral4.direction = 'incoming' AND referral4.sender_id IS DISTINCT FROM $3::UUID)) AND ((referral4.state NOT IN ('closed', 'declined', 'withdrawn', 'consent_revoked', 'expired', 'duplicate', 'entered_in_error')) OR referral4.state = 'duplicate' AND coalesce('recipient' = 'sender', false) AND NOT (EXISTS (
        SELECT *
        FROM consent AS consent_4
        WHERE consent_4.person_id = referral4.person_id AND consent_4.recipient_id = referral4.recipient_id AND consent_4.state IN ('given', 'limited') AND consent_4.withdrawn_at IS NULL AND consent_4.until_on >= CAST($7::VARCHAR AS DATE) AND 'duplicate_check' = ANY (CAST(consent_4.purposes AS TEXT[]))
      )) AND (coalesce((
        SELECT referral_event_4.from_state
        FROM referral_event AS referral_event_4
        WHERE referral_event_4.referral_id = referral4.id AND referral_event_4.to_state = 'duplicate' ORDER BY referral_event_4.number DESC
         LIMIT 1
      ), 'sent') NOT IN ('closed', 'declined', 'withdrawn', 'consent_revoked', 'expired', 'duplicate', 'entered_in_error'))) = true
       LIMIT 10001
    ) AS seen
  ) || '}}') AS body
),
told AS MATERIALIZED
(
  SELECT answer.body AS body, array((
    SELECT DISTINCT CAST(left(pieces.piece, 36) AS UUID) AS found
    FROM unnest(string_to_array(answer.body, E'\x01S'::text)) WITH ORDINALITY AS pieces(piece, n)
    WHERE pieces.n > 1
  )) AS subjects, '{}'::text[] AS marks
  FROM answer
),
leaf AS
(INSERT INTO audit_leaf (at, kind, relation, actor_id, organisation_id, client, purpose, subjects, categories, fields_returned, fields_withheld, request_id, operation_hash) SELECT $1::TIMESTAMP WITH TIME ZONE AS anon_1, 'read'::text AS anon_2, 'partner_agreement'::text AS anon_3, $2::UUID AS anon_4, $3::UUID AS anon_5, $4::VARCHAR AS anon_6, 'assessment'::text AS anon_7, told.subjects AS subjects, ('{case}'::text[]) AS anon_8, (CASE WHEN (cardinality(told.subjects) > 0) THEN '{Clock.dueAt,Clock.kind}'::text[] ELSE '{}'::text[] END || '{Query.referrals}'::text[] || CASE WHEN (cardinality(told.subjects) > 0) THEN '{Referral.clock,Referral.id,Referral.languages,Referral.originRegion,Referral.purpose,Referral.sender,Referral.services,Referral.since,Referral.state,Referral.urgency,ReferralService.answer,ReferralService.kind}'::text[] ELSE '{}'::text[] END) AS anon_9, '{}'::text[], $5::VARCHAR AS anon_10, $6::BYTEA AS anon_11
FROM told
WHERE told.body != E'\x01D\x02'::text RETURNING audit_leaf.id)
 SELECT answer.body
FROM answer
