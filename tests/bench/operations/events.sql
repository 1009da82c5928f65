-- $1 events
select '{"data":{"events":{"nodes":[' || coalesce(string_agg(t, ','), '') || ']}}}'
from (
  select '{"id":"ev_' || e.id
    || '","slug":' || to_json(e.slug)
    || ',"kind":"' || upper(e.kind)
    || '","name":' || to_json(e.name)
    || ',"period":{"from":"' || e.from_on
    || '","until":' || coalesce('"' || e.until_on || '"', 'null')
    || ',"running":' || (
      e.from_on <= current_date::text and coalesce(e.until_on, e.from_on) || '~' >= current_date::text
    )
    || '},"place":' || coalesce(to_json(e.place)::text, 'null')
    || ',"country":' || coalesce('"' || e.country || '"', 'null')
    || ',"city":' || coalesce((
      select '{"id":"ct_' || c.id || '","name":' || to_json(c.name) || ',"country":"' || c.country || '"}'
      from city c where c.id = e.city_id and c.status in ('member', 'former', 'predecessor')
    ), 'null')
    || ',"resolutions":[' || coalesce((
      select string_agg(t, ',') from (
        select '{"number":' || coalesce(to_json(s.number)::text, 'null')
          || ',"title":' || to_json(s.title)
          || ',"adopted":' || s.adopted
          || '}' as t
        from resolution s where s.event_id = e.id
        order by s.sort, s.id limit 10
      ) resolutions
    ), '')
    || '],"project":' || coalesce((
      select '{"slug":' || to_json(p.slug)
        || ',"name":' || to_json(p.name)
        || ',"cities":[' || coalesce((
          select string_agg(t, ',') from (
            select '{"slug":' || to_json(c.slug)
              || ',"name":' || to_json(c.name)
              || ',"country":"' || c.country
              || '","residents":{"nodes":[' || coalesce((
                select string_agg(t, ',') from (
                  select '{"name":' || to_json(r.name)
                    || ',"disciplines":' || case
                      when r.disciplines = '{}' then '[]'
                      else '["' || upper(array_to_string(r.disciplines, '","')) || '"]'
                    end
                    || ',"works":{"nodes":[' || coalesce((
                      select string_agg(t, ',') from (
                        select '{"title":' || to_json(w.title)
                          || ',"discipline":"' || upper(w.discipline)
                          || '","year":' || coalesce(w.year::text, 'null')
                          || '}' as t
                        from work w where w.resident_id = r.id
                        order by w.year, w.title_key, w.id limit 5
                      ) works
                    ), '')
                    || ']}}' as t
                  from resident r where r.city_id = c.id
                  order by r.name_key, r.id limit 5
                ) residents
              ), '')
              || ']}}' as t
            from project_city pc join city c on c.id = pc.city_id
            where pc.project_id = p.id and c.status in ('member', 'former', 'predecessor')
            order by c.name_key, c.id limit 12
          ) cities
        ), '')
        || ']}'
      from project p where p.id = e.project_id
    ), 'null')
    || '}' as t
  from event e
  order by e.from_on desc, e.id desc limit $1
) events
