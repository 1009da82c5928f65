SELECT ('{"cities":' || (
  SELECT ('{"totalCount":' || (
    SELECT CASE WHEN (count(*) > 10000) THEN 'null'::text ELSE CAST(count(*) AS TEXT) END AS anon_2
    FROM (
      SELECT 1
      FROM city AS city4
      WHERE city4.status IN ('member', 'former', 'predecessor') AND city4.country = ANY ($1::VARCHAR[]) AND city4.status = $2::VARCHAR
       LIMIT 10001
    ) AS seen
  ) || ',"nodes":[' || coalesce(string_agg(('{"id":"ct_' || CAST(page3.id AS TEXT) || '","name":' || CAST(to_json(CAST(page3.name AS TEXT)) AS TEXT) || ',"latitude":' || coalesce(CAST(page3.latitude AS TEXT), 'null'::text) || ',"residents":{"nodes":[' || array_to_string(array((
    SELECT ('{"name":' || CAST(to_json(CAST(resident5.name AS TEXT)) AS TEXT) || ',"disciplines":' || CASE WHEN (cardinality(resident5.disciplines) = 0) THEN '[]'::text ELSE ('["' || upper(array_to_string(resident5.disciplines, '","'::text)) || '"]') END || ',"works":' || (
      SELECT ('{"nodes":[' || coalesce(string_agg(('{"title":' || CAST(to_json(CAST(page8.title AS TEXT)) AS TEXT) || ',"year":' || coalesce(CAST(page8.year AS TEXT), 'null'::text) || '}'), ','::text ORDER BY page8.page_n DESC), ''::text) || ']}') AS anon_4
      FROM (
        SELECT taken7.title AS title, taken7.year AS year, row_number() OVER () AS page_n
        FROM (
          SELECT work6.title AS title, work6.year AS year
          FROM work AS work6
          WHERE work6.resident_id = resident5.id ORDER BY coalesce(work6.year, 9999) DESC, work6.title_key DESC, work6.id DESC
           LIMIT $3::INTEGER
        ) AS taken7
      ) AS page8
    ) || '}') AS anon_3
    FROM resident AS resident5
    WHERE resident5.city_id = page3.id ORDER BY resident5.name_key ASC, resident5.id ASC
     LIMIT $4::INTEGER
  )), ','::text) || ']}}'), ','::text) FILTER (WHERE page3.page_n <= $5::INTEGER), ''::text) || '],"pageInfo":{"hasNextPage":' || CAST(count(*) > $5::INTEGER AS TEXT) || ',"hasPreviousPage":false,"endCursor":' || coalesce(min(page3.page_cursor) FILTER (WHERE page3.page_n = least(page3.page_rows, $5::INTEGER)), 'null'::text) || '}}') AS anon_1
  FROM (
    SELECT taken2.id AS id, taken2.name AS name, taken2.latitude AS latitude, taken2.name_key AS name_key, row_number() OVER () AS page_n, count(*) OVER () AS page_rows, CAST(to_json(('074c1e' || CAST(taken2.name_key AS TEXT) || CAST(taken2.id AS TEXT))) AS TEXT) AS page_cursor
    FROM (
      SELECT city1.id AS id, city1.name AS name, city1.latitude AS latitude, city1.name_key AS name_key
      FROM city AS city1
      WHERE city1.status IN ('member', 'former', 'predecessor') AND city1.country = ANY ($1::VARCHAR[]) AND city1.status = $2::VARCHAR ORDER BY city1.name_key ASC, city1.id ASC
       LIMIT $5::INTEGER + 1
    ) AS taken2
  ) AS page3
) || '}') AS answer
