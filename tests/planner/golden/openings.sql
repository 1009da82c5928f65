SELECT ('{"openings":{"edges":[' || array_to_string(array((
  SELECT ('{"cursor":' || CAST(to_json(('bd8aad' || CAST(coalesce(CAST(row1.available_from AS VARCHAR), '') AS TEXT) || CAST(row1.id AS TEXT))) AS TEXT) || ',"node":' || coalesce(CASE row1.kind WHEN 'pl' THEN (
    SELECT ('{"__typename":"Place","title":' || CAST(to_json(place2.title) AS TEXT) || ',"stale":' || CAST(place2.confirmed_on IS NULL OR place2.confirmed_on < CAST($1::VARCHAR AS DATE) - 90 AS TEXT) || ',"city":' || coalesce((
      SELECT ('{"name":' || CAST(to_json(CAST(city3.name AS TEXT)) AS TEXT) || '}') AS anon_3
      FROM city AS city3
      WHERE city3.id = place2.city_id AND city3.status IN ('member', 'former', 'predecessor')
    ), E'\x01!\x02'::text) || ',"wishedRegions":null}') AS anon_2
    FROM place AS place2
    WHERE place2.id = row1.id AND (EXISTS (
      SELECT *
      FROM city AS city_1
      WHERE city_1.id = place2.city_id AND city_1.status = 'member'
    ))
  ) WHEN 'po' THEN (
    SELECT ('{"__typename":"PartnerOpening","title":' || CAST(to_json(CAST(partneropening4.title AS TEXT)) AS TEXT) || ',"stale":' || CAST(partneropening4.confirmed_on IS NULL OR partneropening4.confirmed_on < CAST($1::VARCHAR AS DATE) - 90 AS TEXT) || ',"organisation":' || coalesce((
      SELECT ('{"acronym":' || coalesce(CAST(to_json(CAST(organisation5.acronym AS TEXT)) AS TEXT), 'null'::text) || '}') AS anon_5
      FROM organisation AS organisation5
      WHERE organisation5.id = partneropening4.organisation_id
    ), E'\x01!\x02'::text) || '}') AS anon_4
    FROM partner_opening AS partneropening4
    WHERE partneropening4.id = row1.id
  ) END, E'\x01!\x02'::text) || '}') AS anon_1
  FROM (
    SELECT 'pl' AS kind, place.id AS id, opening_city.country AS country, place.open AS open, place.support AS support, place.disciplines AS disciplines, place.household_max AS household_max, place.months_max AS months_max, place.available_from AS available_from, place.confirmed_on AS confirmed_on
    FROM place JOIN city AS opening_city ON opening_city.id = place.city_id UNION ALL SELECT 'po' AS kind, partner_opening.id AS id, CAST(partner_opening.country AS VARCHAR) AS country, partner_opening.open AS open, partner_opening.support AS support, partner_opening.disciplines AS disciplines, partner_opening.household_max AS household_max, partner_opening.months_max AS months_max, partner_opening.available_from AS available_from, partner_opening.confirmed_on AS confirmed_on
    FROM partner_opening
  ) AS row1
  WHERE (row1.kind = 'pl' AND (EXISTS (
    SELECT 1
    FROM place AS place6
    WHERE place6.id = row1.id AND (EXISTS (
      SELECT *
      FROM city AS city_2
      WHERE city_2.id = place6.city_id AND city_2.status = 'member'
    ))
  )) OR row1.kind = 'po') AND row1.open = $2::BOOLEAN AND (cardinality(row1.disciplines) = 0 OR $3::VARCHAR = ANY (row1.disciplines)) ORDER BY coalesce(CAST(row1.available_from AS VARCHAR), '') ASC, row1.id ASC
   LIMIT $4::INTEGER
)), ','::text) || ']}}') AS answer
