-- $1 body, $2 today, $3 purpose, $4 now, $5 client, $6 id of the request, $7 hash of the operation, $8 whom the token
-- names, $9 when it was issued, $10 how many
with denied as (
  select exists (
    select from denial where subject = any($8::text[]) and before >= $9::timestamptz and expires_at > $4::timestamptz
  ) as yes
), open_door as (
  select exists (
    select from agreement a where a.organisation_id = $1 and a.state = 'in_force'
      and (a.from_on is null or a.from_on <= $2::varchar) and (a.until_on is null or a.until_on || '~' >= $2::varchar)
  ) as yes
), page as materialized (
  select r.*, row_number() over () as n, count(*) over () as rows
  from (
    select r.* from referral r
    where (select yes from open_door) and r.recipient_id = $1 and r.sender_id <> $1 and r.sent_at is not null
      and r.state not in ('closed', 'declined', 'withdrawn', 'consent_revoked', 'expired', 'duplicate', 'entered_in_error')
    order by coalesce(r.due_at, 'infinity'::timestamptz), r.id limit $10 + 1
  ) r
), leaf as (
  insert into audit_leaf (at, kind, relation, organisation_id, client, purpose, subjects, categories, fields_returned,
    fields_withheld, request_id, operation_hash)
  select $4, 'read', 'partner_agreement', $1, $5, $3, subjects,
    '{case}'::text[],
    case when subjects = '{}' then '{Query.referrals}' else
      '{Clock.dueAt,Clock.kind,Query.referrals,Referral.clock,Referral.id,Referral.languages,Referral.originRegion,Referral.purpose,Referral.sender,Referral.services,Referral.since,Referral.state,Referral.urgency,ReferralService.answer,ReferralService.kind}'::text[] end,
    '{}', $6, $7
  from denied, (select array(select distinct person_id from page where n <= $10 order by 1)) told(subjects)
  where not denied.yes
)
select case when (select yes from denied) then 'denied' else '{"data":{"referrals":{"edges":['
  || coalesce(string_agg(edge, ',' order by n) filter (where n <= $10), '')
  || '],"pageInfo":{"hasNextPage":' || (count(*) > $10)
  || ',"endCursor":' || coalesce(min(place) filter (where n = least($10, rows)), 'null')
  || '},"totalCount":' || coalesce((
    select nullif(count(*), 10001)::text from (
      select from referral r
      where (select yes from open_door) and r.recipient_id = $1 and r.sender_id <> $1 and r.sent_at is not null
        and r.state not in ('closed', 'declined', 'withdrawn', 'consent_revoked', 'expired', 'duplicate', 'entered_in_error')
      limit 10001
    ) matching
  ), 'null') || '}}}' end
from (
  select n, rows, place,
    '{"cursor":' || place || ',"node":{"id":"rf_' || r.id
    || '","state":"' || upper(r.state)
    || '","since":"' || to_char(r.since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    || '","urgency":"' || upper(r.urgency)
    || '","purpose":"' || upper(r.purpose)
    || '","languages":' || array_to_json(r.languages)
    || ',"originRegion":' || coalesce('"' || upper(r.origin_region) || '"', 'null')
    || ',"sender":{"name":' || to_json(o.name)
    || '},"services":[' || coalesce((
      select string_agg('{"kind":"' || upper(s.kind) || '","answer":"' || upper(s.answer) || '"}', ',' order by s.kind)
      from referral_service s where s.referral_id = r.id
    ), '')
    || '],"clock":' || case when r.clock is not null and r.due_at is not null then
      '{"kind":"' || upper(r.clock) || '","dueAt":"'
      || to_char(r.due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '"}' else 'null' end
    || '}}' as edge
  from (select *, to_json(coalesce(due_at::text, '') || '|' || id)::text as place from page) r
    join organisation o on o.id = r.sender_id
) shown
