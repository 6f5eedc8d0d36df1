-- A small web shop: 5,000 customers, 400 products, 15,000 orders and what was in them, made up the same
-- way every time. It has some of everything that a dump must not lose: types, generated columns,
-- constraints, a view, routines, a trigger, an event, bytes, and text that is hard to quote.
SET NAMES utf8mb4;
SET time_zone = '+00:00';

CREATE TABLE customers (
    id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name varchar(100) NOT NULL,
    email varchar(200) NOT NULL UNIQUE CHECK (email LIKE '%@%'),
    city varchar(100) NOT NULL,
    notes text,
    joined_at timestamp NOT NULL
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE products (
    id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    sku char(8) NOT NULL UNIQUE,
    title varchar(100) NOT NULL,
    price decimal(10, 2) NOT NULL CHECK (price > 0),
    stock int NOT NULL,
    attributes json NOT NULL,
    thumbnail blob
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE orders (
    id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    customer_id int unsigned NOT NULL,
    status enum('new', 'paid', 'shipped', 'returned') NOT NULL DEFAULT 'new',
    ordered_at timestamp NOT NULL,
    changed_at timestamp(3) NOT NULL,
    KEY orders_by_customer (customer_id, ordered_at),
    FOREIGN KEY (customer_id) REFERENCES customers (id)
) DEFAULT CHARSET = utf8mb4;

CREATE TABLE order_items (
    order_id int unsigned NOT NULL,
    line tinyint unsigned NOT NULL,
    product_id int unsigned NOT NULL,
    quantity smallint unsigned NOT NULL CHECK (quantity > 0),
    unit_price decimal(10, 2) NOT NULL,
    amount decimal(12, 2) GENERATED ALWAYS AS (quantity * unit_price) STORED,
    PRIMARY KEY (order_id, line),
    FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
    FOREIGN KEY (product_id) REFERENCES products (id)
) DEFAULT CHARSET = utf8mb4;

START TRANSACTION;

INSERT INTO customers (name, email, city, notes, joined_at)
SELECT
    CONCAT(
        ELT(1 + seq % 8, 'Ada', 'Zoë', 'Siobhán', 'José', 'Bjørn', 'Łukasz', 'Нина', '美咲'), ' ',
        ELT(1 + seq % 7, 'O''Neill', 'Müller', 'Dvořák', 'van der Berg', 'Γεωργίου', '佐藤', 'Smith')
    ),
    CONCAT('customer', seq, '@shop.example'),
    ELT(1 + seq % 6, 'Zürich', 'Kraków', 'Reykjavík', '東京', 'São Paulo', 'Cork'),
    CASE seq % 50
        WHEN 0 THEN 'rings twice;\nleave it at "C:\\parcels"\t(left of the door) 📦'
        WHEN 1 THEN ''
    END,
    '2023-01-01 08:00:00' + INTERVAL seq * 5 HOUR
FROM seq_1_to_5000;

INSERT INTO products (sku, title, price, stock, attributes, thumbnail)
SELECT
    CONCAT('SKU-', LPAD(seq, 4, '0')),
    CONCAT(ELT(1 + seq % 5, 'Tea', 'Coffee', 'Cup', 'Kettle', 'Spoon'), ' No. ', seq),
    (100 + FLOOR(RAND(seq) * 9900)) / 100,
    FLOOR(RAND(seq + 1000) * 500),
    JSON_OBJECT('colour', ELT(1 + seq % 3, 'red', 'green', 'blue'), 'grams', seq * 10),
    UNHEX(REPEAT(MD5(seq), 32))
FROM seq_1_to_400;

INSERT INTO orders (customer_id, status, ordered_at, changed_at)
SELECT
    1 + FLOOR(RAND(seq) * 5000),
    ELT(1 + seq % 6, 'new', 'paid', 'shipped', 'shipped', 'shipped', 'returned'),
    '2024-01-01' + INTERVAL seq HOUR,
    '2024-01-01' + INTERVAL seq * 3600 + FLOOR(RAND(seq + 1) * 259200) SECOND
FROM seq_1_to_15000;

INSERT INTO order_items (order_id, line, product_id, quantity, unit_price)
SELECT o.id, line.seq, p.id, 1 + (o.id * 3 + line.seq) % 4, p.price
FROM orders AS o
JOIN seq_1_to_4 AS line ON line.seq <= 1 + o.id % 4
JOIN products AS p ON p.id = 1 + (o.id * 7 + line.seq * 131) % 400;

COMMIT;

CREATE VIEW monthly_sales AS
SELECT DATE_FORMAT(o.ordered_at, '%Y-%m-01') AS month, COUNT(DISTINCT o.id) AS orders, SUM(i.amount) AS revenue
FROM orders AS o JOIN order_items AS i ON i.order_id = o.id
WHERE o.status <> 'returned'
GROUP BY 1;

DELIMITER //

CREATE FUNCTION order_total(the_order int unsigned) RETURNS decimal(12, 2) READS SQL DATA
    COMMENT 'What the customer pays; "0" for an order that isn''t there'
BEGIN
    RETURN (SELECT COALESCE(SUM(amount), 0) FROM order_items WHERE order_id = the_order);
END//

CREATE PROCEDURE restock(IN least int, IN filled int)
BEGIN
    UPDATE products SET stock = filled WHERE stock < least;
END//

CREATE TRIGGER orders_changed BEFORE UPDATE ON orders FOR EACH ROW
BEGIN
    SET NEW.changed_at = CURRENT_TIMESTAMP(3);
END//

CREATE EVENT weekly_restock ON SCHEDULE EVERY 1 WEEK STARTS '2024-01-07 03:00:00' DO
BEGIN
    CALL restock(10, 100);
END//

DELIMITER ;
