-- All other tables, beside the large one.
SELECT setseed(0.3);
INSERT INTO settings SELECT 'setting.' || n, jsonb_build_object('value', n, 'default', n % 3 = 0) FROM generate_series(1, 50) n;
INSERT INTO tags
SELECT id, line, '#' || substr(md5(random()::text), 1, 6) FROM tool.prose(2000, 1, 3) WITH ORDINALITY AS prose(line, id);

INSERT INTO products
SELECT id, upper(substr(md5(random()::text), 1, 10)), initcap(split_part(line, ' ', 1) || ' ' || split_part(line, ' ', 2)), line,
  round((random() * 900 + 1)::numeric, 2),
  jsonb_build_object('weight', round((random() * 30)::numeric, 2), 'colours', jsonb_build_array(split_part(line, ' ', 3), split_part(line, ' ', 4))),
  random() < 0.1
FROM tool.prose((20000 * :scale)::int, 40, 80) WITH ORDINALITY AS prose(line, id);

INSERT INTO customers
SELECT id, initcap(line), translate(line, ' ', '.') || id || '@example.org',
  jsonb_build_object('street', initcap(split_part(line, ' ', 2)) || ' ' || floor(200 * random())::int, 'postcode', lpad(floor(99999 * random())::text, 5, '0')),
  date '1940-01-01' + floor(25000 * random())::int, round((random() * 10000 - 500)::numeric, 2),
  CASE WHEN random() < 0.7 THEN random() < 0.3 END, timestamptz '2020-01-01' + random() * interval '6 years'
FROM tool.prose((100000 * :scale)::int, 3, 5) WITH ORDINALITY AS prose(line, id);

INSERT INTO sessions
SELECT tool.uuid(), ceil(100000 * :scale * random())::int, started, CASE WHEN random() < 0.8 THEN started + random() * interval '2 hours' END,
  inet '10.0.0.0' + floor(16777216 * random())::int, 'Mozilla/5.0 (X11; Linux x86_64)'
FROM (SELECT timestamptz '2026-01-01' + n * interval '100 seconds' AS started FROM generate_series(1, (150000 * :scale)::int) n) s;

INSERT INTO orders
SELECT id, ceil(100000 * :scale * random())::int, timestamptz '2024-01-01' + id * interval '3 minutes',
  (ARRAY['paid', 'sent', 'sent', 'sent', 'returned', 'open'])[1 + floor(6 * random())::int],
  round((random() * 900)::numeric, 2), (ARRAY['EUR', 'GBP', 'USD'])[1 + floor(3 * random())::int],
  CASE WHEN random() < 0.3 THEN line END
FROM tool.prose((400000 * :scale)::int, 5, 15) WITH ORDINALITY AS prose(line, id);

INSERT INTO order_lines
SELECT 1 + n / 3, 1 + n % 3, ceil(20000 * :scale * random())::int, ceil(9 * random())::int, round((random() * 300)::numeric, 2)
FROM generate_series(0, (900000 * :scale)::int) n;

INSERT INTO articles
SELECT id, initcap(left(line, 50)), line, timestamptz '2015-01-01' + id * interval '2 hours',
  ARRAY(SELECT ceil(2000 * random())::int FROM generate_series(1, 1 + id::int % 5))
FROM tool.prose((40000 * :scale)::int, 200, 800) WITH ORDINALITY AS prose(line, id);

INSERT INTO comments
SELECT id, ceil(40000 * :scale * random())::int, ceil(100000 * :scale * random())::int,
  timestamptz '2018-01-01' + random() * interval '8 years', line, floor(100 * random() * random())::int - 10
FROM tool.prose((400000 * :scale)::int, 10, 50) WITH ORDINALITY AS prose(line, id);

INSERT INTO measurements
SELECT n % 40, timestamptz '2026-01-01' + n / 40 * interval '1 minute', 20 + 8 * sin(n / 5000.0) + random(),
  (40 + 30 * random())::real, round((1000 + 30 * random())::numeric, 3), CASE WHEN random() < 0.9 THEN random() < 0.01 END, 100 - n / 20000
FROM generate_series(1, (1200000 * :scale)::int) n;

INSERT INTO attachments
SELECT id, ceil(40000 * :scale * random())::int, id || '.png', 'image/png', content, sha256(content)
FROM (
  SELECT id, decode(string_agg(md5(random()::text), ''), 'hex') AS content
  FROM generate_series(1, (12000 * :scale)::int) id, generate_series(1, 64 + 16 * (id % 25)) part
  GROUP BY id ORDER BY id
) made;
