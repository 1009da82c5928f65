SELECT ('{"cities":' || (
  SELECT ('{"totalCount":' || (
    SELECT CASE WHEN (count(*) > 10000) THEN 'null'::text ELSE CAST(count(*) AS TEXT) END AS anon_2
    FROM (
      SELECT 1
      FROM city AS city4
      WHERE city4.status IN ('member', 'former', 'predecessor') AND city4.country = ANY ($1::VARCHAR[]) AND city4.status = $2::VARCHAR
       LIMIT 10001
    ) AS seen
  ) || ',"nodes":[' || coalesce(string_agg(page.row_0, ','::text ORDER BY page.n) FILTER (WHERE page.n <= $3::INTEGER), ''::text) || '],"pageInfo":{"hasNextPage":' || CAST(count(*) > $3::INTEGER AS TEXT) || ',"hasPreviousPage":false,"endCursor":' || coalesce((array_agg(page.cursor ORDER BY page.n DESC) FILTER (WHERE page.n <= $3::INTEGER))[1], 'null'::text) || '}}') AS anon_1
  FROM (
    SELECT ('{"id":"ct_' || CAST(city1.id AS TEXT) || '","name":' || CAST(to_json(CAST(city1.name AS TEXT)) AS TEXT) || ',"latitude":' || coalesce(CAST(city1.latitude AS TEXT), 'null'::text) || ',"residents":{"nodes":[' || array_to_string(array((
      SELECT ('{"name":' || CAST(to_json(CAST(resident2.name AS TEXT)) AS TEXT) || ',"disciplines":' || upper(CAST(array_to_json(CAST(resident2.disciplines AS TEXT[])) AS TEXT)) || ',"works":' || (
        SELECT ('{"nodes":[' || coalesce(string_agg(page.row_0, ','::text ORDER BY page.n DESC), ''::text) || ']}') AS anon_4
        FROM (
          SELECT ('{"title":' || CAST(to_json(CAST(work3.title AS TEXT)) AS TEXT) || ',"year":' || coalesce(CAST(work3.year AS TEXT), 'null'::text) || '}') AS row_0, row_number() OVER (ORDER BY coalesce(work3.year, 9999) DESC, work3.title_key DESC, work3.id DESC) AS n
          FROM work AS work3
          WHERE work3.resident_id = resident2.id ORDER BY coalesce(work3.year, 9999) DESC, work3.title_key DESC, work3.id DESC
           LIMIT $4::INTEGER
        ) AS page
      ) || '}') AS anon_3
      FROM resident AS resident2
      WHERE resident2.city_id = city1.id ORDER BY resident2.name_key ASC, resident2.id ASC
       LIMIT $5::INTEGER
    )), ','::text) || ']}}') AS row_0, ('"' || translate(encode(convert_to(('["074c1e",' || CAST(to_json(CAST(city1.name_key AS TEXT)) AS TEXT) || ',"' || CAST(city1.id AS TEXT) || '"]'), 'UTF8'::text), 'base64'::text), '+/
'::text, '-_'::text) || '"') AS cursor, row_number() OVER (ORDER BY city1.name_key ASC, city1.id ASC) AS n
    FROM city AS city1
    WHERE city1.status IN ('member', 'former', 'predecessor') AND city1.country = ANY ($1::VARCHAR[]) AND city1.status = $2::VARCHAR ORDER BY city1.name_key ASC, city1.id ASC
     LIMIT $3::INTEGER + 1
  ) AS page
) || '}') AS answer
