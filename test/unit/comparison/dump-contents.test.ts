import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { compareContents, DumpContents } from "../../../src/comparison/dump-contents.ts";

/** What pg_dump 15 wrote; here and below without the many lines of settings. */
const postgres = `--
-- PostgreSQL database dump
--

\\restrict E5zO5CccjfQHLEPP4OfE3ADOfJahKiAxha7hBj4VnBdg9c9iDrUb3FcrrkFqhvW

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET client_encoding = 'UTF8';

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: it's "ü"; Type: VIEW; Schema: s; Owner: o; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public."it's ""ü""; Type: VIEW; Schema: s; Owner: o" (
    a integer
);


ALTER TABLE public."it's ""ü""; Type: VIEW; Schema: s; Owner: o" OWNER TO postgres;

--
-- Name: notes; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.notes (
    t text
);


ALTER TABLE public.notes OWNER TO postgres;

--
-- Name: orders; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.orders (
    id integer,
    t text
);


ALTER TABLE public.orders OWNER TO postgres;

--
-- Name: v; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.v AS
 SELECT 1 AS one;


ALTER TABLE public.v OWNER TO postgres;

--
-- Data for Name: it's "ü"; Type: VIEW; Schema: s; Owner: o; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public."it's ""ü""; Type: VIEW; Schema: s; Owner: o" (a) FROM stdin;
\\.


--
-- Data for Name: notes; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.notes (t) FROM stdin;
\\N
-- foo
-- Name: secret; Type: TABLE; Schema: public; Owner: postgres
-- Started on 2026-01-01
\\restrict x
\\.


--
-- Data for Name: orders; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.orders (id, t) FROM stdin;
1	-- foo
2	a\\\\b
\\.


--
-- Name: orders_t; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX orders_t ON public.orders USING btree (t);


--
-- PostgreSQL database dump complete
--

\\unrestrict E5zO5CccjfQHLEPP4OfE3ADOfJahKiAxha7hBj4VnBdg9c9iDrUb3FcrrkFqhvW

`;

/** What pg_dumpall --verbose wrote, of two databases. */
const cluster = `--
-- PostgreSQL database cluster dump
--

-- Started on 2026-11-21 10:53:37 UTC

\\restrict qixIfoz87aATRnS7VlgFiBxKIgbOgRY5krtJi91SbN3SKCF3Tt0MUiHgN5aOjny

SET default_transaction_read_only = off;

SET client_encoding = 'UTF8';

--
-- Roles
--

CREATE ROLE postgres;
ALTER ROLE postgres WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS;

--
-- User Configurations
--








\\unrestrict qixIfoz87aATRnS7VlgFiBxKIgbOgRY5krtJi91SbN3SKCF3Tt0MUiHgN5aOjny

--
-- Databases
--

--
-- Database "app" dump
--

--
-- PostgreSQL database dump
--

\\restrict v5u8QKcSQMZQW9c99DIFZUaGyxavWkuGp9yT4Vi7I7Trg5O0UfuStCgtGKbr0DI

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

-- Started on 2026-11-21 10:53:37 UTC

SET client_encoding = 'UTF8';

--
-- TOC entry 3344 (class 1262 OID 16384)
-- Name: app; Type: DATABASE; Schema: -; Owner: postgres
--

CREATE DATABASE app WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C.UTF-8';


ALTER DATABASE app OWNER TO postgres;

\\unrestrict v5u8QKcSQMZQW9c99DIFZUaGyxavWkuGp9yT4Vi7I7Trg5O0UfuStCgtGKbr0DI
\\connect app
\\restrict v5u8QKcSQMZQW9c99DIFZUaGyxavWkuGp9yT4Vi7I7Trg5O0UfuStCgtGKbr0DI

SET client_encoding = 'UTF8';

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- TOC entry 214 (class 1259 OID 16403)
-- Name: t; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.t (
    a integer
);


ALTER TABLE public.t OWNER TO postgres;

--
-- TOC entry 3338 (class 0 OID 16403)
-- Dependencies: 214
-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.t (a) FROM stdin;
\\.


-- Completed on 2026-11-21 10:53:37 UTC

--
-- PostgreSQL database dump complete
--

\\unrestrict v5u8QKcSQMZQW9c99DIFZUaGyxavWkuGp9yT4Vi7I7Trg5O0UfuStCgtGKbr0DI

--
-- Database "b'b" dump
--

--
-- PostgreSQL database dump
--

\\restrict bgg2tdp3xJbpnyXgvBp0UIgcXph6hqcprmZvGrpurOWaf90dnqEuvLfX1tWMYLb

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

-- Started on 2026-11-21 10:53:37 UTC

SET client_encoding = 'UTF8';

--
-- TOC entry 3344 (class 1262 OID 16406)
-- Name: b'b; Type: DATABASE; Schema: -; Owner: postgres
--

CREATE DATABASE "b'b" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C.UTF-8';


ALTER DATABASE "b'b" OWNER TO postgres;

\\unrestrict bgg2tdp3xJbpnyXgvBp0UIgcXph6hqcprmZvGrpurOWaf90dnqEuvLfX1tWMYLb
\\encoding SQL_ASCII
\\connect -reuse-previous=on "dbname='b\\'b'"
\\restrict bgg2tdp3xJbpnyXgvBp0UIgcXph6hqcprmZvGrpurOWaf90dnqEuvLfX1tWMYLb

SET client_encoding = 'UTF8';

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- TOC entry 214 (class 1259 OID 16407)
-- Name: t; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.t (
    a integer
);


ALTER TABLE public.t OWNER TO postgres;

--
-- TOC entry 3338 (class 0 OID 16407)
-- Dependencies: 214
-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.t (a) FROM stdin;
\\.


-- Completed on 2026-11-21 10:53:37 UTC

--
-- PostgreSQL database dump complete
--

\\unrestrict bgg2tdp3xJbpnyXgvBp0UIgcXph6hqcprmZvGrpurOWaf90dnqEuvLfX1tWMYLb

-- Completed on 2026-11-21 10:53:37 UTC

--
-- PostgreSQL database cluster dump complete
--

`;

/** What mariadb-dump 10.11 wrote. */
const mariadb = `/*M!999999\\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: 127.0.0.1    Database: app
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1

/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;

--
-- Sequence structure for \`s\`
--

DROP SEQUENCE IF EXISTS \`s\`;
CREATE SEQUENCE \`s\` start with 1 minvalue 1 maxvalue 9223372036854775806 increment by 1 cache 1000 nocycle ENGINE=InnoDB;
DO SETVAL(\`s\`, 1, 0);

--
-- Table structure for table \`o\`\`d; é\`
--

DROP TABLE IF EXISTS \`o\`\`d; é\`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE \`o\`\`d; é\` (
  \`a\` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table \`o\`\`d; é\`
--

LOCK TABLES \`o\`\`d; é\` WRITE;
/*!40000 ALTER TABLE \`o\`\`d; é\` DISABLE KEYS */;
/*!40000 ALTER TABLE \`o\`\`d; é\` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table \`t\`
--

DROP TABLE IF EXISTS \`t\`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE \`t\` (
  \`a\` int(11) DEFAULT NULL,
  \`s\` text DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table \`t\`
--

LOCK TABLES \`t\` WRITE;
/*!40000 ALTER TABLE \`t\` DISABLE KEYS */;
INSERT INTO \`t\` VALUES
(1,'-- foo\\n-- Host: x');
/*!40000 ALTER TABLE \`t\` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Temporary table structure for view \`v\`
--

DROP TABLE IF EXISTS \`v\`;
/*!50001 DROP VIEW IF EXISTS \`v\`*/;
SET @saved_cs_client     = @@character_set_client;
SET character_set_client = utf8mb4;
/*!50001 CREATE VIEW \`v\` AS SELECT
 NULL AS \`one\` */;
SET character_set_client = @saved_cs_client;

--
-- Dumping events for database 'app'
--

--
-- Dumping routines for database 'app'
--
/*!50003 DROP PROCEDURE IF EXISTS \`p\` */;
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
DELIMITER ;;
CREATE DEFINER=\`root\`@\`127.0.0.1\` PROCEDURE \`p\`()
begin select 1; end
;;
DELIMITER ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;

--
-- Final view structure for view \`v\`
--

/*!50001 DROP VIEW IF EXISTS \`v\`*/;
/*!50001 SET @saved_cs_client          = @@character_set_client */;
/*!50001 SET character_set_client      = utf8mb4 */;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=\`root\`@\`127.0.0.1\` SQL SECURITY DEFINER */
/*!50001 VIEW \`v\` AS select 1 AS \`one\` */;
/*!50001 SET character_set_client      = @saved_cs_client */;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;

-- Dump completed on 2026-11-21 10:53:38
`;

/** With --databases. */
const mariadbAll = `/*M!999999\\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: 127.0.0.1    Database: app
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1

/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;

--
-- Current Database: \`app\`
--

CREATE DATABASE /*!32312 IF NOT EXISTS*/ \`app\` /*!40100 DEFAULT CHARACTER SET latin1 COLLATE latin1_swedish_ci */;

USE \`app\`;

--
-- Table structure for table \`t\`
--

DROP TABLE IF EXISTS \`t\`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE \`t\` (
  \`a\` int(11) DEFAULT NULL,
  \`s\` text DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table \`t\`
--

LOCK TABLES \`t\` WRITE;
/*!40000 ALTER TABLE \`t\` DISABLE KEYS */;
INSERT INTO \`t\` VALUES
(1,'-- foo\\n-- Host: x');
/*!40000 ALTER TABLE \`t\` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Temporary table structure for view \`v\`
--

DROP TABLE IF EXISTS \`v\`;
/*!50001 DROP VIEW IF EXISTS \`v\`*/;
SET @saved_cs_client     = @@character_set_client;
SET character_set_client = utf8mb4;
/*!50001 CREATE VIEW \`v\` AS SELECT
 NULL AS \`one\` */;
SET character_set_client = @saved_cs_client;

--
-- Dumping events for database 'app'
--

--
-- Dumping routines for database 'app'
--
/*!50003 DROP PROCEDURE IF EXISTS \`p\` */;
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
DELIMITER ;;
CREATE DEFINER=\`root\`@\`127.0.0.1\` PROCEDURE \`p\`()
begin select 1; end
;;
DELIMITER ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;

--
-- Current Database: \`b\`\`b\`
--

CREATE DATABASE /*!32312 IF NOT EXISTS*/ \`b\`\`b\` /*!40100 DEFAULT CHARACTER SET latin1 COLLATE latin1_swedish_ci */;

USE \`b\`\`b\`;

--
-- Table structure for table \`t\`
--

DROP TABLE IF EXISTS \`t\`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE \`t\` (
  \`a\` int(11) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table \`t\`
--

LOCK TABLES \`t\` WRITE;
/*!40000 ALTER TABLE \`t\` DISABLE KEYS */;
/*!40000 ALTER TABLE \`t\` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Dumping events for database 'b\`b'
--

--
-- Dumping routines for database 'b\`b'
--

--
-- Current Database: \`app\`
--

USE \`app\`;

--
-- Final view structure for view \`v\`
--

/*!50001 DROP VIEW IF EXISTS \`v\`*/;
/*!50001 SET @saved_cs_client          = @@character_set_client */;
/*!50001 SET character_set_client      = utf8mb4 */;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=\`root\`@\`127.0.0.1\` SQL SECURITY DEFINER */
/*!50001 VIEW \`v\` AS select 1 AS \`one\` */;
/*!50001 SET character_set_client      = @saved_cs_client */;

--
-- Current Database: \`b\`\`b\`
--

USE \`b\`\`b\`;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;

-- Dump completed on 2026-11-21 10:53:38
`;

const dumps = { postgres, cluster, mariadb, mariadbAll };

/** The digests of a dump that arrives in these chunks; throws if it is not passed unchanged. */
async function digestsOf(chunks: readonly Buffer[]): Promise<ReadonlyMap<string, string>> {
  const contents = new DumpContents();
  const passed = (await Readable.from(chunks).compose(contents).toArray()) as Buffer[];
  if (!Buffer.concat(passed).equals(Buffer.concat(chunks))) throw new Error("the dump was changed");
  return contents.digests();
}

async function digest(dump: string): Promise<ReadonlyMap<string, string>> {
  return digestsOf([Buffer.from(dump)]);
}

async function differences(backup: string, restored: string): Promise<string[]> {
  return compareContents(await digest(backup), await digest(restored));
}

/** A dump with something else in it; throws if it is not there. */
function changed(dump: string, from: string | RegExp, to: string): string {
  const result = dump.replace(from, () => to);
  if (result === dump) throw new Error(`not in the dump: ${String(from)}`);
  return result;
}

/** A table's rows as pg_dump --inserts writes them, or as COPY, and another table behind them. */
function withRows(rows: string): string {
  return `--
-- PostgreSQL database dump
--

\\restrict token

--
-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: o
--

${rows}

--
-- Name: after; Type: VIEW; Schema: public; Owner: o
--

CREATE VIEW public.after AS SELECT 1;


--
-- PostgreSQL database dump complete
--

\\unrestrict token

`;
}

function copied(rows: string): string {
  return withRows(`COPY public.t (a) FROM stdin;\n${rows}\\.\n`);
}

function inserted(text: string): string {
  return withRows(`INSERT INTO public.t VALUES ('${text}');\n`);
}

/** Numbers from 0 to below 1, always the same. */
function* pseudoRandom(seed: number): Generator<number, never> {
  for (let state = seed; ; yield state / 2 ** 32) state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
}

function cut(dump: Buffer, seed: number): Buffer[] {
  const random = pseudoRandom(seed);
  const longest = 1 + Math.floor(random.next().value * 300);
  const chunks: Buffer[] = [];
  for (let at = 0; at < dump.length;) {
    const size = Math.floor(random.next().value * longest);
    chunks.push(dump.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

describe("objects", () => {
  test("of pg_dump", async () => {
    expect([...(await digest(postgres)).keys()]).toEqual([
      "INDEX public.orders_t",
      'TABLE DATA public.it\'s "ü"; Type: VIEW; Schema: s; Owner: o',
      "TABLE DATA public.notes",
      "TABLE DATA public.orders",
      'TABLE public.it\'s "ü"; Type: VIEW; Schema: s; Owner: o',
      "TABLE public.notes",
      "TABLE public.orders",
      "VIEW public.v",
      "the end",
      "the preamble",
    ]);
  });

  test("of pg_dumpall", async () => {
    expect([...(await digest(cluster)).keys()]).toEqual([
      "Roles",
      "User Configurations",
      "app: DATABASE app",
      "app: TABLE DATA public.t",
      "app: TABLE public.t",
      "app: the end",
      "app: the preamble",
      "app: the preamble (2)",
      "b'b: DATABASE b'b",
      "b'b: TABLE DATA public.t",
      "b'b: TABLE public.t",
      "b'b: the end",
      "b'b: the preamble",
      "b'b: the preamble (2)",
      "the end",
      "the preamble",
    ]);
  });

  test("of mariadb-dump", async () => {
    expect([...(await digest(mariadb)).keys()]).toEqual([
      "EVENTS",
      "ROUTINES",
      "SEQUENCE s",
      "TABLE DATA o`d; é",
      "TABLE DATA t",
      "TABLE o`d; é",
      "TABLE t",
      "VIEW COLUMNS v",
      "VIEW v",
      "the end",
      "the preamble",
    ]);
    expect([...(await digest(mariadbAll)).keys()]).toEqual([
      "app: EVENTS",
      "app: ROUTINES",
      "app: TABLE DATA t",
      "app: TABLE t",
      "app: VIEW COLUMNS v",
      "app: VIEW v",
      "app: the preamble",
      "app: the preamble (2)",
      "b`b: EVENTS",
      "b`b: ROUTINES",
      "b`b: TABLE DATA t",
      "b`b: TABLE t",
      "b`b: the preamble",
      "b`b: the preamble (2)",
      "the end",
      "the preamble",
    ]);
  });

  test("of other kinds", async () => {
    const header = (line: string): string => `--\n${line}\n--\n\nSELECT 1;\n\n\n`;
    const lines = [
      "-- Name: f(integer, text); Type: FUNCTION; Schema: public; Owner: o",
      "-- Name: pgcrypto; Type: EXTENSION; Schema: -; Owner: -",
      "-- Name: EXTENSION pgcrypto; Type: COMMENT; Schema: -; Owner: ",
      "-- Name: t; Type: TABLE; Schema: s; Owner: o; Tablespace: fast",
      "-- Statistics for Name: t; Type: STATISTICS DATA; Schema: s; Owner: o",
      "-- Temporary view structure for view `w`",
      "-- Table structure for table `new",
      "-- Name: esc\u001bape; Type: TABLE; Schema: s; Owner: o",
      "-- Name: x; Type: constructor; Schema: s; Owner: o",
    ];
    expect([...(await digest(lines.map((line) => header(line)).join(""))).keys()]).toEqual([
      "COMMENT EXTENSION pgcrypto",
      "EXTENSION pgcrypto",
      "FUNCTION public.f(integer, text)",
      "STATISTICS DATA s.t",
      "TABLE new",
      "TABLE s.esc ape",
      "TABLE s.t",
      "VIEW COLUMNS w",
      "constructor s.x",
      "the preamble",
    ]);
  });

  test("of one name are numbered, in whichever order they come", async () => {
    const object = (statement: string): string =>
      `--\n-- Name: n; Type: DEFAULT ACL; Schema: s; Owner: o\n--\n\n${statement};\n\n\n`;
    const [a, b, c] = ["GRANT a", "GRANT b", "GRANT c"].map(object) as [string, string, string];
    expect([...(await digest(a + b + c)).keys()]).toEqual([
      "DEFAULT ACL s.n",
      "DEFAULT ACL s.n (2)",
      "DEFAULT ACL s.n (3)",
      "the preamble",
    ]);
    expect(await differences(a + b + c, c + a + b)).toEqual([]);
    expect(await differences(a + b + c, a + b)).toContain("DEFAULT ACL s.n (3) is missing");
    const named = object("GRANT d").replace("Name: n;", "Name: n (2);");
    expect((await digest(a + named + b)).size).toBe(4);
  });

  test("of an empty dump, of one without comments, and of one that is no dump", async () => {
    const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
    expect(await digest("")).toEqual(new Map([["the preamble", sha256("")]]));
    expect(await digest("x")).toEqual(new Map([["the preamble", sha256("x")]]));
    const bare = "INSERT INTO `t` VALUES\n(1),\n(2);\n";
    expect(await differences(bare, bare)).toEqual([]);
    expect(await differences(bare, bare.replace("2", "3"))).toEqual(["the preamble differs"]);
  });
});

describe("dumps of equal databases are equal", () => {
  const volatile: [what: string, dump: string, from: string | RegExp, to: string][] = [
    [
      "server version",
      postgres,
      "Dumped from database version 15.18 (",
      "Dumped from database version 17.2 (",
    ],
    ["pg_dump's version", postgres, "Dumped by pg_dump version 15.18", "Dumped by pg_dump version 17.2"],
    ["tokens", postgres, /E5zO5\w+/g, "another"],
    ["lack of tokens, as older versions write", postgres, /\\(un)?restrict \w+\n\n/g, ""],
    ["token at \\connect", cluster, /v5u8Q\w+/g, "another"],
    ["start", cluster, /(?<=Started on )2026-11-21/g, "2027-01-01"],
    ["completion", cluster, /(?<=Completed on )2026-11-21/g, "2027-01-01"],
    ["completion's absence", cluster, /-- Completed on .*\n\n/g, ""],
    ["numbers of entries", cluster, /(?<=TOC entry )\d+/g, "7"],
    ["object identifiers", cluster, /(?<=OID )\d+/g, "123456"],
    ["dependencies", cluster, /(?<=Dependencies:).*/g, " 7 8 9"],
    ["lack of verbose comments", cluster, /-- (TOC entry|Dependencies:).*\n/g, ""],
    [
      "MariaDB's version",
      mariadb,
      "MariaDB dump 10.19  Distrib 10.11.19",
      "MariaDB dump 10.20  Distrib 11.4.2",
    ],
    ["being MySQL's", mariadb, "MariaDB dump 10.19", "MySQL dump 8.0"],
    ["MariaDB server's version", mariadb, /Server version.*/, "Server version\t11.4.2-MariaDB"],
    ["host and database", mariadb, "Host: 127.0.0.1    Database: app", "Host: db    Database: scratch"],
    ["database of routines and events", mariadb, /(?<=for database )'app'/g, "'scratch'"],
    ["lack of the sandbox line", mariadb, /^.*sandbox mode.*\n/, ""],
    ["date", mariadb, /completed on .*/, "completed on 2027-01-01  3:04:05"],
    ["lack of a date", mariadb, /completed on .*/, "completed"],
  ];
  test.for(volatile)("whatever their %s", async ([, dump, from, to]) => {
    // `from` may be for all of them.
    const other = dump.replace(from, () => to);
    expect(other).not.toBe(dump);
    expect(await differences(dump, other)).toEqual([]);
  });

  test("whatever their date, if the last line is cut", async () => {
    const cut = mariadb.trimEnd();
    expect(await differences(cut, changed(cut, /completed on .*/, "completed on 2027-01-01"))).toEqual([]);
  });

  test("in whichever order the objects are", async () => {
    const parts = postgres.split(/(?=--\n-- (?:Name|Data for Name|PostgreSQL database dump complete))/);
    expect(parts).toHaveLength(10);
    const [first = "", ...objects] = parts;
    const last = objects.pop() ?? "";
    expect(await differences(postgres, [first, ...objects.toReversed(), last].join(""))).toEqual([]);

    const cuts = mariadb.split(
      /(?=\n--\n-- (?:Table|Dumping|Temp|Final|Sequence))|(?=\/\*!40103 SET TIME_ZONE=@OLD)/,
    );
    const [head = "", ...tables] = cuts;
    const tail = tables.pop() ?? "";
    expect(tables).toHaveLength(9);
    expect(await differences(mariadb, [head, ...tables.toReversed(), tail].join(""))).toEqual([]);
  });

  test("wherever pg_dump sets the tablespace that objects to come need", async () => {
    const set = "SET default_tablespace = '';\n\nSET default_table_access_method = heap;\n\n";
    const view = "--\n-- Name: w; Type: VIEW; Schema: s; Owner: o\n--\n\nCREATE VIEW s.w;\n\n\n";
    const table = "--\n-- Name: t; Type: TABLE; Schema: s; Owner: o\n--\n\nCREATE TABLE s.t();\n\n\n";
    const first = "--\n-- PostgreSQL database dump\n--\n\nSET row_security = off;\n\n";
    const dump = first + set + table + view;
    expect(await differences(dump, first + view + set + table)).toEqual([]);
    const elsewhere = set.replace("''", "fast");
    expect(await differences(dump, first + elsewhere + table + view)).toEqual(["TABLE s.t differs"]);
    expect(await differences(dump, first + view + elsewhere + table)).toEqual(["TABLE s.t differs"]);
    for (const type of ["INDEX", "CONSTRAINT", "MATERIALIZED VIEW"]) {
      const object = table.replace("TABLE;", `${type};`);
      expect(await differences(first + set + object, first + elsewhere + object)).toEqual([
        `${type} s.t differs`,
      ]);
    }
  });
});

describe("the order of roles", () => {
  /** What pg_dump 15 wrote. */
  const policy = `-- Name: people own; Type: POLICY; Schema: app; Owner: o
--

CREATE POLICY "own, ""TO a, b""" ON "A.p"."TO x, y" AS RESTRICTIVE FOR UPDATE TO anna, "Rïch Wríter", "a, b", "rich ""reader""" USING ((first = 'TO b, a'::text)) WITH CHECK ((a > 1));
`;
  const reordered = changed(
    policy,
    'anna, "Rïch Wríter", "a, b", "rich ""reader"""',
    '"rich ""reader""", "a, b", anna, "Rïch Wríter"',
  );
  const privileges = `-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: -; Owner: one
--

ALTER DEFAULT PRIVILEGES FOR ROLE one REVOKE ALL ON TABLES  FROM one;
ALTER DEFAULT PRIVILEGES FOR ROLE one GRANT SELECT ON TABLES  TO two WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE one GRANT INSERT ON TABLES  TO two;
ALTER DEFAULT PRIVILEGES FOR ROLE one GRANT SELECT ON TABLES  TO three;
`;
  const exchanged = changed(
    privileges,
    /(?<=FROM one;\n).*/s,
    `ALTER DEFAULT PRIVILEGES FOR ROLE one GRANT SELECT ON TABLES  TO three;
ALTER DEFAULT PRIVILEGES FOR ROLE one GRANT SELECT ON TABLES  TO two WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE one GRANT INSERT ON TABLES  TO two;
`,
  );

  function dumpOf(section: string): string {
    return withRows(`--\n${section}\n`);
  }

  test.for<[what: string, one: string, other: string]>([
    ["of a policy", policy, reordered],
    ["of default privileges", privileges, exchanged],
  ])("%s makes no difference, wherever the dump is cut", async ([, one, other]) => {
    expect(other).not.toBe(one);
    expect(other.split("").toSorted()).toEqual(one.split("").toSorted());
    const whole = await digest(dumpOf(one));
    expect(whole.size).toBeGreaterThan(3);
    for (let seed = 0; seed < 20; seed++)
      expect(await digestsOf(cut(Buffer.from(dumpOf(other)), seed))).toEqual(whole);
  });

  test.for<[what: string, from: string, to: string]>([
    ["a role", "anna", "annb"],
    ["a role less", "anna, ", ""],
    ["a role twice", "anna", "anna, anna"],
    ["two that are one", "anna, ", '"anna, ",'],
    ["the order in an expression", "TO b, a", "TO a, b"],
    ["the order in a name", '""TO a, b""', '""TO b, a""'],
    ["the table", '"TO x, y"', '"TO y, x"'],
    ["the command", "FOR UPDATE", "FOR DELETE"],
  ])("nothing else of a policy is lost: %s", async ([, from, to]) => {
    expect(await differences(dumpOf(policy), dumpOf(changed(reordered, from, to)))).toEqual([
      "POLICY app.people own differs",
    ]);
  });

  test.for<[what: string, from: string, to: string]>([
    ["a role", "TO three", "TO four"],
    ["whose option it is", " WITH GRANT OPTION;", ";"],
    ["a line less", /.* TO three;\n/.exec(privileges)?.[0] ?? "", ""],
  ])("nothing else of default privileges is lost: %s", async ([, from, to]) => {
    expect(await differences(dumpOf(privileges), dumpOf(changed(exchanged, from, to)))).toEqual([
      "DEFAULT ACL DEFAULT PRIVILEGES FOR TABLES differs",
    ]);
  });

  test("where it is that in which they were granted rights, counts", async () => {
    const grants = changed(privileges, "DEFAULT ACL", "ACL");
    expect(await differences(dumpOf(grants), dumpOf(changed(exchanged, "DEFAULT ACL", "ACL")))).toEqual([
      "ACL DEFAULT PRIVILEGES FOR TABLES differs",
    ]);
  });

  test("counts in a section that is too long to be kept", async () => {
    const long = (section: string, length: number): string =>
      dumpOf(section.replace("a > 1", (condition) => condition.padStart(length, "9")));
    for (const [length, lines] of [
      [250_000, []],
      [270_000, ["POLICY app.people own differs"]],
    ] as const) {
      const [one, other] = [long(policy, length), long(reordered, length)];
      expect(await differences(one, other)).toEqual(lines);
      expect(await digestsOf(cut(Buffer.from(one), length))).toEqual(await digest(one));
    }
  });
});

describe("the server's stamps on columns", () => {
  const columns = (options: string): string =>
    withRows(`--
-- Name: t; Type: TABLE; Schema: public; Owner: o
--

CREATE TABLE public.t (
    id integer
);
${options}`);
  const stamped = (position: number): string =>
    columns(`ALTER TABLE ONLY public.t ALTER COLUMN id SET (pg_attver=${position});
ALTER TABLE ONLY public.t ALTER COLUMN "a b" SET (n_distinct=5, pg_attver=${position});
ALTER TABLE ONLY public.t ALTER COLUMN c SET (pg_attver=${position}, n_distinct=7);
`);

  test("make no difference, nor does a dump without them", async () => {
    expect(await differences(stamped(30903704), stamped(62611864))).toEqual([]);
    const without = columns(`ALTER TABLE ONLY public.t ALTER COLUMN "a b" SET (n_distinct=5);
ALTER TABLE ONLY public.t ALTER COLUMN c SET (n_distinct=7);
`);
    expect(await differences(stamped(1), without)).toEqual([]);
  });

  test.for(["n_distinct=5", "n_distinct=7", '"a b"', "id integer"])("all else counts: %s", async (text) => {
    const other = changed(stamped(1), text, `${text}0`);
    expect(await differences(stamped(1), other)).toEqual(["TABLE public.t differs"]);
  });
});

describe("differences", () => {
  const changes: [what: string, dump: string, from: string | RegExp, to: string, lines: string[]][] = [
    ["a column", postgres, "id integer", "id bigint", ["TABLE public.orders differs"]],
    ["a value", postgres, "1\t-- foo", "1\t-- fop", ["TABLE DATA public.orders differs"]],
    ["a row that looks like a comment", postgres, "\n-- foo\n", "\n", ["TABLE DATA public.notes differs"]],
    ["a row that looks like a header", postgres, "secret", "hidden", ["TABLE DATA public.notes differs"]],
    ["a row that looks like a date", postgres, "on 2026", "on 2027", ["TABLE DATA public.notes differs"]],
    ["a row that looks like a token", postgres, "t x\n", "t y\n", ["TABLE DATA public.notes differs"]],
    ["a row of NULL", postgres, "\\N\n", "", ["TABLE DATA public.notes differs"]],
    ["an empty row", postgres, "2\ta", "\n2\ta", ["TABLE DATA public.orders differs"]],
    ["an empty row at the end", postgres, "\\\\b\n", "\\\\b\n\n", ["TABLE DATA public.orders differs"]],
    ["an owner", postgres, "v OWNER TO postgres", "v OWNER TO other", ["VIEW public.v differs"]],
    [
      "the encoding",
      postgres,
      "client_encoding = 'UTF8'",
      "client_encoding = 'LATIN1'",
      ["the preamble differs"],
    ],
    ["an index", postgres, /--\n-- Name: orders_t;.*?\n\n\n/s, "", ["INDEX public.orders_t is missing"]],
    ["a role", cluster, "SUPERUSER", "NOSUPERUSER", ["Roles differs"]],
    [
      "rows of one database",
      cluster,
      "FROM stdin;\n",
      "FROM stdin;\n7\n",
      ["app: TABLE DATA public.t differs"],
    ],
    ["a table in MariaDB", mariadb, "`s` text", "`s` longtext", ["TABLE t differs"]],
    ["a value in MariaDB", mariadb, "Host: x", "Host: y", ["TABLE DATA t differs"]],
    ["a routine", mariadb, "select 1; end", "select 2; end", ["ROUTINES differs"]],
    ["a view", mariadb, "AS select 1", "AS select 2", ["VIEW v differs"]],
    ["the last view", mariadb, /--\n-- Final.*?(?=\/\*!40103 SET TIME)/s, "", ["VIEW v is missing"]],
    ["a table of one database", mariadbAll, "`s` text", "`s` longtext", ["app: TABLE t differs"]],
  ];
  test.for(changes)("%s", async ([, dump, from, to, lines]) => {
    expect(await differences(dump, changed(dump, from, to))).toEqual(lines);
  });

  test("what is not in the backup", async () => {
    const less = changed(postgres, /--\n-- Name: v;.*?\n\n\n.*?\n\n/s, "");
    expect(await differences(less, postgres)).toEqual(["VIEW public.v is not in the backup"]);
  });

  test("are told in order, and none of them hides another", () => {
    const backup = new Map([
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
    ]);
    const restored = new Map([
      ["d", "4"],
      ["c", "5"],
      ["a", "1"],
    ]);
    expect(compareContents(backup, restored)).toEqual([
      "b is missing",
      "c differs",
      "d is not in the backup",
    ]);
    expect(compareContents(backup, backup)).toEqual([]);
  });
});

describe("rows", () => {
  const lines = [
    "--",
    "-- Name: secret; Type: TABLE; Schema: public; Owner: postgres",
    "--",
    "-- Dumping data for table `secret`",
    "--",
    "-- PostgreSQL database dump complete",
    "-- Completed on 2026-01-01 00:00:00 UTC",
    "-- Dump completed",
    String.raw`\connect secret`,
    "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;",
  ];

  test("of COPY may look like anything, and are never shown", async () => {
    const rows = `${lines.join("\n")}\n`;
    const digests = await digest(copied(rows));
    expect([...digests.keys()]).toEqual([
      "TABLE DATA public.t",
      "VIEW public.after",
      "the end",
      "the preamble",
    ]);
    for (const [index, line] of lines.entries()) {
      const others = lines.with(index, `${line}x`).join("\n");
      expect(await differences(copied(rows), copied(`${others}\n`)), line).toEqual([
        "TABLE DATA public.t differs",
      ]);
    }
  });

  test("of COPY into a table whose name holds a newline", async () => {
    const dump = withRows(`COPY public."new\nline" (a) FROM stdin;\n${lines.join("\n")}\n\\.\n`);
    expect((await digest(dump)).size).toBe(4);
  });

  test("of INSERT that look like what is left out count", async () => {
    for (const [text, other] of [
      ["-- Started on 2026", "-- Started on 2027"],
      ["-- Dumped by pg_dump 1", "-- Dumped by pg_dump 2"],
      ["-- Completed on 2026", "-- Completed on 2027"],
      [
        "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n-- Host: a",
        "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n-- Host: b",
      ],
      ["\\restrict a", "\\restrict b"],
      ["-- Dependencies: 1", "-- Dependencies: 2"],
      ["--\n-- TOC entry 1 (class 1 OID 1)", "--\n-- TOC entry 2 (class 1 OID 1)"],
      ["\n\n", "\n"],
      ["COPY t FROM stdin;\n-- Host: a", "COPY t FROM stdin;\n-- Host: b"],
    ] as const) {
      const [one, two] = [inserted(`\n${text}\n`), inserted(`\n${other}\n`)];
      expect(await differences(one, two), text).toEqual(["TABLE DATA public.t differs"]);
      expect((await digest(one)).size, text).toBe(4);
    }
  });

  test("of INSERT after a table whose rows came by COPY", async () => {
    const second = "--\n-- Data for Name: u; Type: TABLE DATA; Schema: public; Owner: o\n--\n\n";
    const dump = withRows(
      `COPY public.t (a) FROM stdin;\n1\n\\.\n\n\n${second}INSERT INTO public.u VALUES ('\nnot COPY FROM stdin;\n');\n`,
    );
    expect((await digest(dump)).size).toBe(5);
  });

  test("of INSERT with a header's line alone are not taken for one", async () => {
    const dump = inserted("\n-- Name: secret; Type: TABLE; Schema: public; Owner: o\n\\connect secret\n");
    expect([...(await digest(dump)).keys()].join("\n")).not.toContain("secret");
  });
});

describe("chunks", () => {
  const [lf, hostile] = [
    Object.entries(dumps),
    [
      "--\n-- Name: x; Type: TABLE",
      "--\r\n-- TOC entry 1 (class 1 OID 1)\r\n-- Name: \r",
      "\n\\.\n\\",
      "--\n-- ",
    ],
  ];
  const cases: [name: string, dump: string][] = [
    ...lf,
    ...lf.map(([name, dump]): [string, string] => [`${name}, CRLF`, dump.replaceAll("\n", "\r\n")]),
    ...lf.map(([name, dump]): [string, string] => [`${name}, no newline at the end`, dump.trimEnd()]),
    ...hostile.map((text): [string, string] => [`copied ${JSON.stringify(text)}`, copied(text)]),
    ...hostile.map((text): [string, string] => [`inserted ${JSON.stringify(text)}`, inserted(text)]),
    ...hostile.map((text): [string, string] => [`only ${JSON.stringify(text)}`, text]),
  ];

  test.for(cases)("wherever they are cut: %s", async ([, dump]) => {
    const bytes = Buffer.from(dump);
    const whole = await digestsOf([bytes]);
    expect(await digestsOf([...bytes].map((byte) => Buffer.from([byte]))), "byte by byte").toEqual(whole);
    for (let seed = 1; seed <= 60; seed++)
      expect(await digestsOf(cut(bytes, seed)), `seed ${seed}`).toEqual(whole);
  });

  test("CRLF makes the same objects", async () => {
    for (const dump of Object.values(dumps))
      expect([...(await digest(dump.replaceAll("\n", "\r\n"))).keys()]).toEqual([
        ...(await digest(dump)).keys(),
      ]);
  });
});

describe("size", () => {
  /** A dump with a line of 100 MB in the middle, in chunks as programs write them. */
  async function withLongLine(rows: (line: string) => string, start: string, last: string) {
    const [before = "", after = ""] = rows("LONG").split("LONG");
    const block = Buffer.alloc(64 * 1024, "ab");
    const chunks = [
      Buffer.from(before + start),
      ...Array<Buffer>(1600).fill(block),
      Buffer.from(last + after),
    ];
    const contents = new DumpContents();
    for await (const _chunk of Readable.from(chunks).compose(contents)) continue;
    return contents.digests();
  }

  test.for(["\\\\x", "-- Name: ", "\\connect "])("a line of 100 MB that begins with %s", async (start) => {
    for (const rows of [(line: string) => copied(`${line}\n`), inserted]) {
      const one = await withLongLine(rows, `\n${start}`, "c");
      expect([...one.keys()]).toEqual([
        "TABLE DATA public.t",
        "VIEW public.after",
        "the end",
        "the preamble",
      ]);
      const other = await withLongLine(rows, `\n${start}`, "d");
      expect(compareContents(one, other)).toEqual(["TABLE DATA public.t differs"]);
    }
  });

  test("a line is as long in one chunk as in many", async () => {
    for (const length of [256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 256 * 1024 + 2]) {
      const end = "; Type: TABLE; Schema: s; Owner: o";
      const line = `-- Name: ${"n".repeat(length - 9 - end.length)}${end}`;
      const dump = Buffer.from(`--\n${line}\n--\nx`);
      const whole = await digestsOf([dump]);
      expect(whole.size).toBe(length > 256 * 1024 ? 1 : 2);
      for (const at of [10, length, length + 2, length + 3, length + 4])
        expect(await digestsOf([dump.subarray(0, at), dump.subarray(at)]), `${length}, ${at}`).toEqual(whole);
    }
  });

  test("a long name is cut short", async () => {
    const name = `f(${"integer, ".repeat(2000)})`;
    const dump = `--\n-- Name: ${name}; Type: FUNCTION; Schema: s; Owner: o\n--\n`;
    const [key = ""] = (await digest(dump)).keys();
    expect(key.startsWith("FUNCTION s.f(integer, integer")).toBe(true);
    expect(key.length).toBeLessThan(400);
  });

  test("more sections than anybody has tables are digested together", async () => {
    const header = (i: number): string => `--\n-- Name: t${i}; Type: VIEW; Schema: s; Owner: o\n--\nx\n`;
    const dump = Array.from({ length: 100_100 }, (_, i) => header(i)).join("");
    const one = await digest(dump);
    expect(one.size).toBe(100_001);
    const other = await digest(changed(dump, header(100_098), header(100_098).replace("x", "y")));
    expect(compareContents(one, other)).toEqual(["everything else differs"]);
  });
});
