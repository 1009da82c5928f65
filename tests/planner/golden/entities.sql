SELECT ('{"_entities":[' || coalesce((
  SELECT string_agg(coalesce(CASE asked.kind WHEN 'City.slug' THEN (
    SELECT ('{"name":' || CAST(to_json(CAST(city1.name AS TEXT)) AS TEXT) || ',"memberships":[' || array_to_string(array((
      SELECT ('{"from":' || coalesce(('"' || CAST(membership2.from_on AS TEXT) || '"'), 'null'::text) || ',"until":' || coalesce(('"' || CAST(membership2.until_on AS TEXT) || '"'), 'null'::text) || ',"running":' || CAST(NOT membership2.ended AND (membership2.from_on IS NULL OR membership2.from_on <= $1::VARCHAR) AND (membership2.until_on IS NULL OR (membership2.until_on || '~') >= $1::VARCHAR) AS TEXT) || '}') AS anon_2
      FROM membership AS membership2
      WHERE membership2.city_id = city1.id ORDER BY coalesce(membership2.from_on, '9999'), membership2.id
    )), ','::text) || ']}') AS anon_1
    FROM city AS city1
    WHERE city1.slug = asked.key AND city1.status IN ('member', 'former', 'predecessor')
  ) WHEN 'Work.id' THEN (
    SELECT ('{"title":' || CAST(to_json(CAST(work3.title AS TEXT)) AS TEXT) || ',"by":' || coalesce((
      SELECT ('{"name":' || CAST(to_json(CAST(resident4.name AS TEXT)) AS TEXT) || '}') AS anon_4
      FROM resident AS resident4
      WHERE resident4.id = work3.resident_id
    ), E'\x01!\x02'::text) || '}') AS anon_3
    FROM work AS work3
    WHERE work3.id = CAST(asked.key AS UUID)
  ) END, (E'\x01E0.' || CAST(asked.n AS TEXT) || E'\x02')), ','::text ORDER BY asked.n) AS string_agg_1
  FROM unnest($2::TEXT[], $3::TEXT[]) WITH ORDINALITY AS asked(kind, key, n)
), ''::text) || ']}') AS answer
