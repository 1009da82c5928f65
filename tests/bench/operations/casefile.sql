-- $1 body, $2 today, $3 purpose, $4 now, $5 client, $6 id of the request, $7 hash of the operation, $8 whom the token
-- names, $9 when it was issued, $10 case
with denied as (
  select exists (
    select from denial where subject = any($8::text[]) and before >= $9::timestamptz and expires_at > $4::timestamptz
  ) as yes
), file as (
  select c.*, coalesce(c.holder_id = $1, false) as own,
    case when $3::varchar = any(a.purposes) then a.categories::text[] else '{}' end as agreed,
    array(
      select unnest(k.categories::text[]) from consent k
      where k.person_id = c.person_id and k.recipient_id = $1 and k.state in ('given', 'limited')
        and k.withdrawn_at is null and $3::varchar = any(k.purposes)
        and k.from_on <= $2::varchar::date and k.until_on >= $2::varchar::date
        and exists (
          select from referral r
          where r.case_id = c.id and r.recipient_id = $1 and r.person_id = c.person_id and r.sent_at is not null
            and r.state in ('received', 'in_review', 'info_requested', 'partial_offer', 'waitlisted', 'accepted',
              'in_progress', 'on_hold', 'outcome_reported')
            and r.purpose = $3::varchar
        )
    ) as allowed
  from case_file c join agreement a on a.organisation_id = $1 and a.state = 'in_force'
    and (a.from_on is null or a.from_on <= $2::varchar) and (a.until_on is null or a.until_on || '~' >= $2::varchar)
  where c.id = $10 and (c.holder_id = $1 or (
    exists (
      select from referral r
      where r.case_id = c.id and r.recipient_id = $1 and r.sent_at is not null
        and r.state in ('received', 'in_review', 'info_requested', 'partial_offer', 'waitlisted', 'accepted',
          'in_progress', 'on_hold', 'outcome_reported')
    )
    and exists (select from person p where p.id = c.person_id and not p.frozen and not $1 = any(p.blocked_organisations))
  ))
), shown as materialized (
  select f.*, own or ('case' = any(agreed) and 'case' = any(allowed)) as sees_case,
    (own or ('identity' = any(agreed) and 'identity' = any(allowed))) and key.wrapped is not null as sees_identity,
    (own or ('risk' = any(agreed) and 'risk' = any(allowed))) and key.wrapped is not null as sees_risk,
    (own or ('risk' = any(agreed) and 'risk' = any(allowed))) and key.wrapped is not null as sees_advice,
    key.wrapped, key.kek_version
  from file f left join subject_key key on key.subject_id = f.person_id
), leaf as (
  insert into audit_leaf (at, kind, relation, organisation_id, client, purpose, subjects, categories, fields_returned,
    fields_withheld, request_id, operation_hash)
  select $4, 'read', 'partner_agreement', $1, $5, $3, case when id is null then '{}' else array[person_id] end,
    case when id is null then '{}' else '{case}'
      || case when sees_identity then array['identity'] else '{}' end
      || case when sees_advice then array['risk'] else '{}' end end,
    case when id is null then '{}' else '{Query.case,Case.id}'
      || case when sees_case then '{Case.code,Case.state,Case.openedOn,Case.profile,Profile.disciplines,Profile.originRegion,Profile.languages,Profile.householdSize,Profile.support,Profile.urgency}'::text[] else '{}' end
      || case when sees_identity then '{Case.identity,Identity.legalName,Identity.names,Identity.birthDate,Identity.nationalities,Identity.originNamed,Identity.pronouns}'::text[] else '{}' end
      || case when sees_risk then '{Case.risk,Risk.level,Risk.claim,Risk.linkWithWork,Risk.convicted,Risk.sentence,Risk.incidents,Incident.act,Incident.on,Incident.by,Incident.account}'::text[] else '{}' end
      || case when sees_advice then '{Case.securityAdvice}'::text[] else '{}' end end,
    case when id is null then '{}' else
      case when sees_case then '{}' else '{Case.code,Case.state,Case.openedOn,Case.profile}'::text[] end
      || case when sees_identity then '{}' else '{Case.identity}'::text[] end
      || case when sees_risk then '{}' else '{Case.risk}'::text[] end
      || case when sees_advice then '{}' else '{Case.securityAdvice}'::text[] end end,
    $6, $7
  from denied left join shown on true where not denied.yes
)
select denied.yes, id, person_id, kek_version, wrapped,
  case when sees_case then ',"state":"' || upper(state) || '","openedOn":"' || opened_on
    || '","profile":{"disciplines":' || case when disciplines = '{}' then '[]' else '["' || upper(array_to_string(disciplines, '","')) || '"]' end
    || ',"originRegion":' || coalesce('"' || upper(origin_region) || '"', 'null')
    || ',"languages":' || array_to_json(languages)
    || ',"householdSize":' || coalesce(household_size::text, 'null')
    || ',"support":' || case when support = '{}' then '[]' else '["' || upper(array_to_string(support, '","')) || '"]' end
    || ',"urgency":' || coalesce('"' || upper(urgency) || '"', 'null')
    || '}' else ',"state":null,"openedOn":null,"profile":null' end,
  case when sees_identity then identity.version end, case when sees_identity then identity.sealed end,
  case when sees_risk then risk.version end, case when sees_risk then risk.sealed end,
  case when sees_advice then advice.version end, case when sees_advice then advice.sealed end,
  sees_case, sees_identity, sees_risk, sees_advice
from denied left join shown on true
  left join case_identity identity on identity.case_id = shown.id
  left join case_risk risk on risk.case_id = shown.id
  left join case_advice advice on advice.case_id = shown.id
