-- The one large table.
SELECT setseed(0.2);
INSERT INTO events
SELECT id,
  timestamptz '2026-01-01' + id * interval '11.7 seconds' + random() * interval '10 seconds',
  (ARRAY['view', 'view', 'view', 'search', 'login', 'order', 'error', 'download'])[1 + floor(8 * random())::int],
  tool.uuid(),
  CASE WHEN random() < 0.8 THEN floor(100000 * random())::int END,
  random() < 0.97,
  CASE WHEN random() < 0.9 THEN round((random() * 3)::numeric, 3) END,
  jsonb_build_object(
    'path', '/' || split_part(line, ' ', 1) || '/' || floor(5000 * random())::int,
    'status', (ARRAY[200, 200, 200, 200, 304, 404, 500])[1 + floor(7 * random())::int],
    'bytes', floor(1000000 * random() * random())::int,
    'agent', (ARRAY['Mozilla/5.0 (X11; Linux x86_64)', 'Mozilla/5.0 (Macintosh)', 'curl/8.5'])[1 + floor(3 * random())::int],
    'query', CASE WHEN chance < 0.4 THEN line END),
  CASE WHEN chance > 0.6 THEN line END
FROM (SELECT id, line, random() AS chance FROM tool.prose((1750000 * :scale)::int, 4, 16) WITH ORDINALITY AS prose(line, id)) prose;
