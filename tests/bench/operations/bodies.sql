-- $1 kinds of support, $2 countries; behind a cursor: $3 country, $4 folded name, $5 id
select '{"data":{"organisations":{"edges":[' || coalesce(string_agg(edge, ',') filter (where n <= 25), '')
  || '],"pageInfo":{"hasNextPage":' || (count(*) > 25)
  || ',"hasPreviousPage":' || /* before */ false
  || ',"startCursor":' || coalesce(min(place) filter (where n = 1), 'null')
  || ',"endCursor":' || coalesce(min(place) filter (where n = least(25, rows)), 'null')
  || '},"totalCount":' || coalesce((
    select nullif(count(*), 10001)::text from (
      select from organisation o where o.support && $1::varchar[] and o.country = any($2::varchar[]) limit 10001
    ) matching
  ), 'null') || '}}}'
from (
  select n, rows, place,
    '{"cursor":' || place || ',"node":{"id":"or_' || id
    || '","slug":' || to_json(slug)
    || ',"name":' || to_json(name)
    || ',"acronym":' || coalesce(to_json(acronym)::text, 'null')
    || ',"kind":"' || upper(kind)
    || '","country":' || coalesce('"' || country || '"', 'null')
    || ',"website":' || coalesce(to_json(website)::text, 'null')
    || ',"support":' || case
      when support = '{}' then '[]' else '["' || upper(array_to_string(support, '","')) || '"]'
    end
    || ',"disciplines":' || case
      when disciplines = '{}' then '[]' else '["' || upper(array_to_string(disciplines, '","')) || '"]'
    end
    || ',"refersToIcorn":"' || upper(refers_to_icorn)
    || '","receivesFromIcorn":"' || upper(receives_from_icorn)
    || '"}}' as edge
  from (
    select o.*, row_number() over () as n, count(*) over () as rows,
      to_json(coalesce(o.country, '') || '|' || o.id || '|' || o.name_key)::text as place
    from (
      select * from organisation o
      where o.support && $1::varchar[] and o.country = any($2::varchar[]) /* after */
      order by coalesce(o.country, ''), o.name_key, o.id limit 26
    ) o
  ) numbered
) page
