-- A small web shop: 5,000 customers, 400 products, 15,000 orders and what was in them, made up the same
-- way every time. It has some of everything that a dump must not lose: types, generated columns,
-- constraints, a view, functions, triggers, bytes, and text that is hard to quote.
BEGIN;
DO $$ BEGIN PERFORM setseed(0.5); END $$;

CREATE TYPE order_status AS ENUM ('new', 'paid', 'shipped', 'returned');

CREATE TABLE customers (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL UNIQUE CHECK (email LIKE '%@%'),
    city text NOT NULL,
    notes text,
    joined_at timestamptz NOT NULL
);

CREATE TABLE products (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku text NOT NULL UNIQUE,
    title text NOT NULL,
    price numeric(10, 2) NOT NULL CHECK (price > 0),
    stock integer NOT NULL,
    attributes jsonb NOT NULL DEFAULT '{}',
    thumbnail bytea
);

CREATE TABLE orders (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers ON DELETE RESTRICT,
    status order_status NOT NULL DEFAULT 'new',
    ordered_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE TABLE order_items (
    order_id integer NOT NULL REFERENCES orders ON DELETE CASCADE,
    line smallint NOT NULL,
    product_id integer NOT NULL REFERENCES products,
    quantity smallint NOT NULL CHECK (quantity > 0),
    unit_price numeric(10, 2) NOT NULL,
    amount numeric(12, 2) GENERATED ALWAYS AS (quantity * unit_price) STORED,
    PRIMARY KEY (order_id, line)
);

INSERT INTO customers (name, email, city, notes, joined_at)
SELECT
    (ARRAY['Ada', 'Zoë', 'Siobhán', 'José', 'Bjørn', 'Łukasz', 'Нина', '美咲'])[1 + n % 8] || ' '
        || (ARRAY['O''Neill', 'Müller', 'Dvořák', 'van der Berg', 'Γεωργίου', '佐藤', 'Smith'])[1 + n % 7],
    'customer' || n || '@shop.example',
    (ARRAY['Zürich', 'Kraków', 'Reykjavík', '東京', 'São Paulo', 'Cork'])[1 + n % 6],
    CASE n % 50
        WHEN 0 THEN E'rings twice;\nleave it at "C:\\parcels"\t(left of the door)'
        WHEN 1 THEN ''
    END,
    '2023-01-01 08:00+00'::timestamptz + n * interval '5 hours'
FROM generate_series(1, 5000) AS n;

INSERT INTO products (sku, title, price, stock, attributes, thumbnail)
SELECT
    'SKU-' || to_char(n, 'FM0000'),
    (ARRAY['Tea', 'Coffee', 'Cup', 'Kettle', 'Spoon'])[1 + n % 5] || ' No. ' || n,
    (100 + floor(random() * 9900)) / 100,
    floor(random() * 500),
    jsonb_build_object('colour', (ARRAY['red', 'green', 'blue'])[1 + n % 3], 'grams', n * 10),
    decode(repeat(md5(n::text), 32), 'hex')
FROM generate_series(1, 400) AS n;

INSERT INTO orders (customer_id, status, ordered_at, changed_at)
SELECT
    1 + floor(random() * 5000),
    (ARRAY['new', 'paid', 'shipped', 'shipped', 'shipped', 'returned'])[1 + n % 6]::order_status,
    at,
    at + random() * interval '3 days'
FROM generate_series(1, 15000) AS n, LATERAL (SELECT '2024-01-01 00:00+00'::timestamptz + n * interval '1 hour' AS at) AS clock;

INSERT INTO order_items (order_id, line, product_id, quantity, unit_price)
SELECT o.id, line, p.id, 1 + floor(random() * 4), p.price
FROM orders AS o
CROSS JOIN generate_series(1, 4) AS line
JOIN products AS p ON p.id = 1 + (o.id * 7 + line * 131) % 400
WHERE line <= 1 + o.id % 4;

CREATE INDEX orders_by_customer ON orders (customer_id, ordered_at DESC);
CREATE INDEX products_by_attribute ON products USING gin (attributes);

CREATE VIEW monthly_sales AS
SELECT date_trunc('month', o.ordered_at AT TIME ZONE 'UTC')::date AS month, count(DISTINCT o.id) AS orders, sum(i.amount) AS revenue
FROM orders AS o JOIN order_items AS i ON i.order_id = o.id
WHERE o.status <> 'returned'
GROUP BY 1;

CREATE FUNCTION order_total(the_order integer) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(amount), 0) FROM public.order_items WHERE order_id = the_order
$$;
COMMENT ON FUNCTION order_total IS 'What the customer pays; "0" for an order that isn''t there';

CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER orders_changed BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION note_change();

COMMIT;
