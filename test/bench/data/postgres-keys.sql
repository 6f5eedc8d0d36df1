DROP SCHEMA tool CASCADE;
ALTER TABLE settings ADD PRIMARY KEY (name);
ALTER TABLE tags ADD PRIMARY KEY (id);
ALTER TABLE products ADD PRIMARY KEY (id);
ALTER TABLE customers ADD PRIMARY KEY (id);
ALTER TABLE sessions ADD PRIMARY KEY (id);
ALTER TABLE orders ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customers;
ALTER TABLE order_lines ADD PRIMARY KEY (order_id, line), ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE articles ADD PRIMARY KEY (id);
ALTER TABLE comments ADD PRIMARY KEY (id), ADD FOREIGN KEY (article_id) REFERENCES articles;
ALTER TABLE attachments ADD PRIMARY KEY (id);
ALTER TABLE events ADD PRIMARY KEY (id);
CREATE INDEX ON measurements (sensor, taken);
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON events (occurred);
CREATE VIEW monthly_totals AS SELECT date_trunc('month', ordered) AS month, currency, sum(total) FROM orders GROUP BY 1, 2;
-- What a later reader would otherwise do, in the middle of a measurement.
VACUUM (FREEZE, ANALYZE);
CHECKPOINT;
