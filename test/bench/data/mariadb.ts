/**
 * The tables of the MariaDB server that is measured, as SQL: half as much as PostgreSQL's, of the same kinds. A stored function would
 * take minutes for the prose, so each word of it is drawn by an expression.
 */

const common =
  "the of and to in a is that for it was on with as be at by this had not are but from or have an they which one you were all her would there their we him been has when who will no more if out so up said what its about than into them can only other time new some could these two may first then do any like my now over such our man me even most made after also did many off before must well back through years where much your way down should because long each just state people those";

const syllables =
  "ba ce di fo gu hea kin lor man nist per ra sou tan ver zi mor gan tea lu pen cor dal fin mer ost res lan vi no".split(
    " ",
  );

/** The commonest words of English, then 900 made of syllables: their use falls off as that of words does. */
const vocabulary = [
  ...common.split(" "),
  ...syllables.flatMap((first) =>
    syllables.map((second) => `${first}${second}${first === "ba" ? "ly" : ""}`),
  ),
].map((word) => `'${word}'`);

/** Tells the draws of one statement apart; each repeats itself from one run to the next. */
let seed = 0;

function draw(): string {
  return `RAND(${++seed})`;
}

function below(count: number): string {
  return `FLOOR(${count}*${draw()})`;
}

function word(): string {
  return `ELT(1+FLOOR(${vocabulary.length}*${draw()}*${draw()}*${draw()}),${vocabulary.join()})`;
}

/** So many words at the most; where the text is cut differs from row to row. */
function prose(most: number, fewest: number = most / 4): string {
  const words = Array.from({ length: most }, word).join();
  return `LEFT(CONCAT_WS(' ',${words}),${5 * fewest}+FLOOR(${5 * (most - fewest)}*${draw()}))`;
}

function pick(...choices: string[]): string {
  return `ELT(1+${below(choices.length)},${choices.map((choice) => `'${choice}'`).join()})`;
}

function maybe(share: number, value: string): string {
  return `IF(${draw()}<${share},${value},NULL)`;
}

function digest(): string {
  return `MD5(${draw()})`;
}

function seconds(most: number): string {
  return `INTERVAL ${below(most)} SECOND`;
}

/** Statements, one a string, that fill an empty database with this share of 500 MB. */
export function mariadbData(scale: number): string[] {
  seed = 0;
  const rows = (count: number): string => `seq_1_to_${Math.ceil(count * scale)}`;
  const customers = Math.ceil(60_000 * scale);
  return [
    `CREATE TABLE settings (name VARCHAR(50) PRIMARY KEY, value JSON)`,
    `INSERT INTO settings SELECT CONCAT('setting.', seq), JSON_OBJECT('value', seq, 'default', seq % 3 = 0) FROM seq_1_to_50`,

    `CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(100), email VARCHAR(200), address JSON, born DATE, balance DECIMAL(12, 2), newsletter BOOLEAN, joined DATETIME)`,
    `INSERT INTO customers SELECT seq, ${prose(3)}, CONCAT(${word()}, '.', seq, '@example.org'),
      JSON_OBJECT('street', ${word()}, 'number', ${below(200)}, 'postcode', LPAD(${below(99999)}, 5, '0')),
      '1940-01-01' + INTERVAL ${below(25_000)} DAY, 10000 * ${draw()} - 500, ${maybe(0.7, below(2))}, '2020-01-01' + ${seconds(190_000_000)}
      FROM ${rows(60_000)}`,

    `CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT, ordered DATETIME, state ENUM('open', 'paid', 'sent', 'returned'), total DECIMAL(12, 2), currency CHAR(3), remark TEXT,
      FOREIGN KEY (customer_id) REFERENCES customers (id))`,
    `INSERT INTO orders SELECT seq, 1 + ${below(customers)}, '2024-01-01' + INTERVAL seq * 3 MINUTE, ${pick("paid", "sent", "sent", "returned", "open")},
      900 * ${draw()}, ${pick("EUR", "GBP", "USD")}, ${maybe(0.3, prose(12))} FROM ${rows(240_000)}`,

    `CREATE TABLE order_lines (order_id INT, line SMALLINT, product_id INT, quantity INT, price DECIMAL(10, 2), PRIMARY KEY (order_id, line))`,
    `INSERT INTO order_lines SELECT seq DIV 3, seq % 3, ${below(10_000)}, 1 + ${below(9)}, 300 * ${draw()} FROM ${rows(540_000)}`,

    `CREATE TABLE comments (id INT PRIMARY KEY, article_id INT, customer_id INT, written DATETIME, body TEXT, score INT)`,
    `INSERT INTO comments SELECT seq, ${below(15_000)}, 1 + ${below(customers)}, '2018-01-01' + ${seconds(250_000_000)}, ${prose(40, 8)}, ${below(100)} - 10 FROM ${rows(300_000)}`,

    `CREATE TEMPORARY TABLE paragraphs (n INT PRIMARY KEY, body TEXT)`,
    `INSERT INTO paragraphs SELECT seq, ${prose(50, 20)} FROM ${rows(450_000)}`,
    `CREATE TABLE articles (id INT PRIMARY KEY, title VARCHAR(200), body MEDIUMTEXT, published DATETIME)`,
    `INSERT INTO articles SELECT n DIV 18, LEFT(MIN(body), 50), GROUP_CONCAT(body ORDER BY n SEPARATOR '.\\n'), '2015-01-01' + INTERVAL MIN(n) * 6 MINUTE FROM paragraphs GROUP BY n DIV 18`,
    `DROP TABLE paragraphs`,

    `CREATE TABLE measurements (sensor INT, taken DATETIME(3), temperature DOUBLE, humidity FLOAT, pressure DECIMAL(8, 3), faulty BOOLEAN, battery TINYINT, KEY (sensor, taken))`,
    `INSERT INTO measurements SELECT seq % 40, '2026-01-01' + INTERVAL seq DIV 40 MINUTE, 20 + 8 * SIN(seq / 5000) + ${draw()}, 40 + 30 * ${draw()},
      1000 + 30 * ${draw()}, ${maybe(0.9, below(2))}, 100 - seq % 100 FROM ${rows(600_000)}`,

    `CREATE TABLE attachments (id INT PRIMARY KEY, name VARCHAR(100), media_type VARCHAR(50), content MEDIUMBLOB, sha256 BINARY(32))`,
    `INSERT INTO attachments SELECT seq, CONCAT(seq, '.png'), 'image/png', content, UNHEX(SHA2(content, 256))
      FROM (SELECT seq, UNHEX(CONCAT(${Array.from({ length: 128 }, digest).join()})) AS content FROM ${rows(18_000)}) made`,

    `CREATE TABLE events (id BIGINT PRIMARY KEY, occurred DATETIME(6), kind VARCHAR(20), session CHAR(36), actor INT, succeeded BOOLEAN, seconds DECIMAL(8, 3), payload JSON, note TEXT, KEY (occurred))`,
    `INSERT INTO events SELECT seq, '2026-01-01' + INTERVAL seq * 11.7 SECOND, ${pick("view", "view", "view", "search", "login", "order", "error")},
      INSERT(INSERT(INSERT(INSERT(${digest()}, 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-'), ${maybe(0.8, below(100_000))}, ${draw()} < 0.97,
      ${maybe(0.9, `3 * ${draw()}`)},
      JSON_OBJECT('path', CONCAT('/', ${word()}, '/', ${below(5000)}), 'status', ${pick("200", "200", "200", "304", "404")}, 'bytes', ${below(1_000_000)},
        'agent', ${pick("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (Macintosh)", "curl/8.5")}, 'query', ${maybe(0.4, prose(12))}),
      ${maybe(0.4, prose(14))} FROM ${rows(960_000)}`,

    `ANALYZE TABLE settings, customers, orders, order_lines, comments, articles, measurements, attachments, events`,
  ];
}
