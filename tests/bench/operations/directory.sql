-- $1 cities
select '{"data":{"cities":{"nodes":[' || coalesce(string_agg(t, ','), '') || ']}}}'
from (
  select '{"id":"ct_' || c.id
    || '","slug":' || to_json(c.slug)
    || ',"name":' || to_json(c.name)
    || ',"kind":"' || upper(c.kind)
    || '","country":"' || c.country
    || '","coordinatingBody":' || coalesce((
      select '{"id":"or_' || o.id
        || '","name":' || to_json(o.name)
        || ',"acronym":' || coalesce(to_json(o.acronym)::text, 'null')
        || ',"website":' || coalesce(to_json(o.website)::text, 'null')
        || '}'
      from organisation o where o.id = c.coordinating_body_id
    ), 'null')
    || ',"residents":{"nodes":[' || coalesce((
      select string_agg(t, ',') from (
        select '{"id":"re_' || r.id
          || '","name":' || to_json(r.name)
          || ',"disciplines":' || case
            when r.disciplines = '{}' then '[]'
            else '["' || upper(array_to_string(r.disciplines, '","')) || '"]'
          end
          || ',"originCountry":' || coalesce('"' || r.origin_country || '"', 'null')
          || ',"works":{"nodes":[' || coalesce((
            select string_agg(t, ',') from (
              select '{"id":"wk_' || w.id
                || '","title":' || to_json(w.title)
                || ',"discipline":"' || upper(w.discipline)
                || '","language":' || coalesce('"' || w.language || '"', 'null')
                || ',"year":' || coalesce(w.year::text, 'null')
                || '}' as t
              from work w where w.resident_id = r.id
              order by w.year, w.title_key, w.id limit 10
            ) works
          ), '')
          || ']}}' as t
        from resident r where r.city_id = c.id
        order by r.name_key, r.id limit 20
      ) residents
    ), '')
    || ']}}' as t
  from city c where c.status = 'member'
  order by c.name_key, c.id limit $1
) cities
