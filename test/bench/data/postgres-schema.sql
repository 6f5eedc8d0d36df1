-- A dozen tables of unequal size and of everything that databases are filled with; a third of them refers to others.
-- `tool` is gone once the data are there.
CREATE SCHEMA tool;
CREATE TABLE tool.vocabulary (rank int, word text);

-- The commonest words of English, then 4000 made of syllables: their use falls off as that of words does.
INSERT INTO tool.vocabulary
SELECT ordinality, word
FROM string_to_table('the of and to in a is that for it was on with as be at by this had not are but from or have an they which one you were all her would there their we him been has when who will no more if out so up said what its about than into them can only other time new some could these two may first then do any like my now over such our man me even most made after also did many off before must well back through years where much your way down should because long each just state people those', ' ')
  WITH ORDINALITY AS common(word, ordinality);
SELECT setseed(0.1);
INSERT INTO tool.vocabulary
SELECT 200 + n, string_agg(
    substr('bcdfghklmnprstvz', 1 + floor(16 * random())::int, 1)
    || (ARRAY['a', 'e', 'i', 'o', 'u', 'ea', 'ou', 'er', 'an', 'in', 'or', 'ist'])[1 + floor(12 * random())::int], '')
FROM generate_series(1, 4000) n, generate_series(1, 2 + n % 3) syllable
GROUP BY n;

-- So many lines of prose of so many words each. One call keeps its words at hand, which makes it quick.
CREATE FUNCTION tool.prose(lines int, fewest int, most int) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  words text[] := (SELECT array_agg(word ORDER BY rank, word) FROM tool.vocabulary);
  size int := cardinality(words);
  line text;
BEGIN
  FOR n IN 1..lines LOOP
    line := words[ceil(size * random() * random() * random())];
    FOR m IN 2..fewest + floor((most - fewest) * random()) LOOP
      line := line || ' ' || words[ceil(size * random() * random() * random())];
    END LOOP;
    RETURN NEXT line;
  END LOOP;
END $$;

-- A random uuid that the seed repeats, unlike gen_random_uuid().
CREATE FUNCTION tool.uuid() RETURNS uuid LANGUAGE sql VOLATILE AS $$ SELECT md5(random()::text)::uuid $$;

CREATE TABLE settings (name text, value jsonb);
CREATE TABLE tags (id int, name text, colour text);
CREATE TABLE products (id int, sku text, name text, description text, price numeric(10, 2), attributes jsonb, discontinued boolean);
CREATE TABLE customers (id int, name text, email text, address jsonb, born date, balance numeric(12, 2), newsletter boolean, joined timestamptz);
CREATE TABLE sessions (id uuid, customer_id int, started timestamptz, ended timestamptz, address inet, agent text);
CREATE TABLE orders (id int, customer_id int, ordered timestamptz, state text, total numeric(12, 2), currency char(3), remark text);
CREATE TABLE order_lines (order_id int, line smallint, product_id int, quantity int, price numeric(10, 2));
CREATE TABLE comments (id int, article_id int, customer_id int, written timestamptz, body text, score int);
CREATE TABLE articles (id int, title text, body text, published timestamptz, tags int[]);
CREATE TABLE measurements (sensor int, taken timestamptz, temperature double precision, humidity real, pressure numeric(8, 3), faulty boolean, battery smallint);
CREATE TABLE attachments (id int, article_id int, name text, media_type text, content bytea, sha256 bytea);
CREATE TABLE events (id bigint, occurred timestamptz, kind text, session uuid, actor int, succeeded boolean, seconds numeric, payload jsonb, note text);
