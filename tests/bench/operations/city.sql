-- $1 slug
select '{"data":{"city":' || coalesce((
  select '{"id":"ct_' || c.id
    || '","slug":' || to_json(c.slug)
    || ',"name":' || to_json(c.name)
    || ',"kind":"' || upper(c.kind)
    || '","country":"' || c.country
    || '","region":"' || upper(c.region)
    || '","latitude":' || coalesce(c.latitude::text, 'null')
    || ',"longitude":' || coalesce(c.longitude::text, 'null')
    || ',"status":"' || upper(c.status)
    || '","joinedBasis":' || coalesce(to_json(c.joined_basis)::text, 'null')
    || ',"earlierNetwork":' || coalesce('"' || upper(c.earlier_network) || '"', 'null')
    || ',"capitalOfCultureYear":' || coalesce(c.capital_of_culture_year::text, 'null')
    || ',"artsOfDemocracy":' || c.arts_of_democracy
    || ',"coordinatingBodyName":' || coalesce(to_json(c.coordinating_body_name)::text, 'null')
    || ',"memberships":[' || coalesce((
      select string_agg(
        '{"from":' || coalesce('"' || m.from_on || '"', 'null')
        || ',"until":' || coalesce('"' || m.until_on || '"', 'null')
        || ',"running":' || (
          not m.ended
          and (m.from_on is null or m.from_on <= current_date::text)
          and (m.until_on is null or m.until_on || '~' >= current_date::text)
        )
        || '}', ',' order by m.from_on, m.id)
      from membership m where m.city_id = c.id
    ), '')
    || ']}'
  from city c
  where c.slug = $1 and c.status in ('member', 'former', 'predecessor')
), 'null') || '}}'
