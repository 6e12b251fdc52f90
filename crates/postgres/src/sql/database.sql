-- What lets members of rds_superuser create extensions that PostgreSQL leaves to superusers, in
-- every database, on every release, without a change of the engine's files. Single-user mode reads
-- this: a statement ends with a semicolon and an empty line. Repeated, it brings a database of an
-- earlier pgkeep up to date.
--
-- Between the two triggers of CREATE EXTENSION the caller is a superuser, in a transaction that no
-- one else sees and in which nothing runs but the extension's own script; an error undoes it with
-- the rest. Two more triggers hold the script to what it is: it finds types and functions by their
-- names, in schemas where the caller may have put others. Objects that are members of an extension
-- are left out of dumps, so these are members of plpgsql.

DO $$ DECLARE it record; BEGIN
  FOR it IN
    SELECT o.type, o.identity FROM pg_depend d,
      LATERAL pg_identify_object(d.classid, d.objid, 0) o
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
      AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'plpgsql')
      AND o.identity ~ '^(pg_catalog[.])?rds_' ORDER BY o.type
  LOOP
    EXECUTE format('ALTER EXTENSION plpgsql DROP %s %s', it.type, it.identity);
    EXECUTE format('DROP %s %s', it.type, it.identity);
  END LOOP;
END $$;

CREATE FUNCTION pg_catalog.rds_create_extension_begin() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  caller name := coalesce(nullif(current_setting('role'), 'none'), session_user);
BEGIN
  IF caller <> 'rdsadmin' AND pg_has_role(caller, 'rds_superuser', 'MEMBER') THEN
    PERFORM FROM pg_authid WHERE rolname = caller FOR UPDATE;
    EXECUTE format('ALTER ROLE %I SUPERUSER', caller);
  END IF;
END $$;

-- Judges what was created, with all that CASCADE brought along, before anyone can use it.
CREATE FUNCTION pg_catalog.rds_create_extension_end() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  caller name := coalesce(nullif(current_setting('role'), 'none'), session_user);
  allowed text := coalesce((SELECT setting FROM pg_file_settings
    WHERE name = 'rds.allowed_extensions' ORDER BY seqno DESC LIMIT 1), '*');
  refused text;
BEGIN
  IF caller = 'rdsadmin' THEN
    RETURN;
  END IF;
  -- Up to 12 an extension can be created FROM what is there; one without members then is made of
  -- the caller's own objects.
  WITH RECURSIVE needed(oid) AS (
    SELECT objid FROM pg_event_trigger_ddl_commands() WHERE classid = 'pg_extension'::regclass
    UNION
    SELECT d.refobjid FROM needed JOIN pg_depend d ON d.objid = needed.oid
    WHERE d.classid = 'pg_extension'::regclass AND d.refclassid = 'pg_extension'::regclass
  ) SELECT extname INTO refused FROM needed JOIN pg_extension e ON e.oid = needed.oid
    WHERE NOT (allowed = '*' OR extname = ANY (regexp_split_to_array(allowed, ' *, *')))
      OR NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e');
  IF FOUND THEN
    RAISE insufficient_privilege USING
      MESSAGE = format('permission denied to create extension "%s"', refused),
      HINT = 'It is not among the extensions that the service and rds.allowed_extensions allow.';
  END IF;
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = caller) THEN
    EXECUTE format('ALTER ROLE %I NOSUPERUSER', caller);
  END IF;
END $$;

-- Refuses an extension by its name before the first statement of its script, since no end undoes
-- what a program did. It runs before every statement of every session with that statement's own
-- rights: those of a superuser in a session that is not rdsadmin's are a script's, be it here or
-- where PostgreSQL itself lends them to a trusted extension, which others may create and update.
-- So nothing that a client can set says whether it judges.
CREATE FUNCTION pg_catalog.rds_script_begin() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- Those of PostgreSQL that lead to no file, program or session of the server's own.
  -- earthdistance is not among them: its script evaluates a constant of a type that it finds by
  -- name.
  safe CONSTANT text[] := '{
    amcheck, autoinc, bloom, bool_plperl, btree_gin, btree_gist, citext, cube, dblink, dict_int,
    dict_xsyn, fuzzystrmatch, hstore, hstore_plperl, insert_username, intagg, intarray, isn,
    jsonb_plperl, lo, ltree, moddatetime, pg_buffercache, pg_freespacemap, pg_prewarm,
    pg_stat_statements, pg_trgm, pg_visibility, pgcrypto, pgrowlocks, pgstattuple, plperl, pltcl,
    postgres_fdw, refint, seg, sslinfo, tablefunc, tcn, tsm_system_rows, tsm_system_time, unaccent,
    uuid-ossp}';
  caller name := coalesce(nullif(current_setting('role'), 'none'), session_user);
  refused text;
BEGIN
  -- At the end of CREATE EXTENSION it judges one whose script has no such statement, too.
  IF caller = 'rdsadmin' OR (TG_EVENT = 'ddl_command_start'
      AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)) THEN
    RETURN;
  END IF;
  SELECT extname INTO refused FROM pg_extension
    WHERE extowner <> 'rdsadmin'::regrole AND extname <> ALL (safe);
  IF FOUND THEN
    RAISE insufficient_privilege USING
      MESSAGE = format('permission denied to create extension "%s"', refused),
      HINT = 'The service does not allow it. If it is there already, drop it first.';
  END IF;
END $$;

-- Judges what a statement of a script made: C code takes its arguments for what its author meant
-- by the name of a type, so every type must be PostgreSQL's or an extension's. C functions and
-- types go to rdsadmin, as those of PostgreSQL's own trusted extensions do: what a script keeps
-- from PUBLIC is kept from the caller too, and no type is renamed to put another in its place. A
-- function that runs with its owner's rights stays the caller's. A type without a definition is a
-- script's own, and must be of one owner until it has one.
CREATE FUNCTION pg_catalog.rds_script_end() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  caller name := coalesce(nullif(current_setting('role'), 'none'), session_user);
  refused text;
  command text;
BEGIN
  IF caller = 'rdsadmin' OR NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    RETURN;
  END IF;
  SELECT format('%s of type %s', made.object_identity, t.oid::regtype) INTO refused
    FROM pg_event_trigger_ddl_commands() made JOIN pg_depend d USING (classid, objid)
    JOIN pg_type t ON d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid
    WHERE made.in_extension AND t.typisdefined AND t.typowner <> 'rdsadmin'::regrole;
  IF FOUND THEN
    RAISE insufficient_privilege USING
      MESSAGE = format('permission denied to create %s', refused),
      HINT = 'The type is neither one of PostgreSQL nor of an extension.';
  END IF;
  FOR command IN
    SELECT format('ALTER FUNCTION %s OWNER TO rdsadmin', p.oid::regprocedure)
    FROM pg_event_trigger_ddl_commands() made JOIN pg_proc p ON p.oid = made.objid
    JOIN pg_language l ON l.oid = p.prolang
    WHERE made.classid = 'pg_proc'::regclass AND made.in_extension
      AND l.lanname IN ('c', 'internal') AND NOT p.prosecdef AND p.proowner <> 'rdsadmin'::regrole
    UNION
    SELECT format('ALTER TYPE %s OWNER TO rdsadmin', t.oid::regtype)
    FROM pg_event_trigger_ddl_commands() made JOIN pg_type t ON t.oid = made.objid
    WHERE made.classid = 'pg_type'::regclass AND made.in_extension AND t.typisdefined
      AND t.typowner <> 'rdsadmin'::regrole
  LOOP
    EXECUTE command;
  END LOOP;
END $$;

CREATE EVENT TRIGGER rds_create_extension_begin ON ddl_command_start
  WHEN TAG IN ('CREATE EXTENSION')
  EXECUTE PROCEDURE pg_catalog.rds_create_extension_begin();

CREATE EVENT TRIGGER rds_create_extension_end ON ddl_command_end
  WHEN TAG IN ('CREATE EXTENSION')
  EXECUTE PROCEDURE pg_catalog.rds_create_extension_end();

CREATE EVENT TRIGGER rds_script_begin ON ddl_command_start
  EXECUTE PROCEDURE pg_catalog.rds_script_begin();

CREATE EVENT TRIGGER rds_script_judged ON ddl_command_end
  WHEN TAG IN ('CREATE EXTENSION')
  EXECUTE PROCEDURE pg_catalog.rds_script_begin();

CREATE EVENT TRIGGER rds_script_end ON ddl_command_end
  WHEN TAG IN ('CREATE AGGREGATE', 'CREATE CAST', 'CREATE DOMAIN', 'CREATE FUNCTION',
    'CREATE OPERATOR', 'CREATE OPERATOR CLASS', 'CREATE TRANSFORM', 'CREATE TYPE')
  EXECUTE PROCEDURE pg_catalog.rds_script_end();

DO $$ DECLARE it record; BEGIN
  FOR it IN
    SELECT 'FUNCTION' AS type, oid::regprocedure::text AS identity FROM pg_proc
    WHERE proname ~ '^rds_' AND pronamespace = 'pg_catalog'::regnamespace
    UNION
    SELECT 'EVENT TRIGGER', evtname::text FROM pg_event_trigger WHERE evtname ~ '^rds_'
  LOOP
    EXECUTE format('ALTER EXTENSION plpgsql ADD %s %s', it.type, it.identity);
  END LOOP;
END $$;

-- What an earlier pgkeep left with the caller, if it is what only a superuser's script makes.
DO $$ DECLARE command text; BEGIN
  FOR command IN
    SELECT format('ALTER TYPE %s OWNER TO rdsadmin', t.oid::regtype)
    FROM pg_depend d JOIN pg_type t ON t.oid = d.objid
    WHERE d.classid = 'pg_type'::regclass AND d.refclassid = 'pg_extension'::regclass
      AND d.deptype = 'e' AND t.typtype = 'b' AND t.typowner <> 'rdsadmin'::regrole
      AND NOT EXISTS (SELECT FROM pg_type element WHERE element.typarray = t.oid)
    UNION
    SELECT format('ALTER FUNCTION %s OWNER TO rdsadmin', p.oid::regprocedure)
    FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_language l ON l.oid = p.prolang
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass
      AND d.deptype = 'e' AND l.lanname = 'internal' AND NOT p.prosecdef
      AND p.proowner <> 'rdsadmin'::regrole
      AND NOT EXISTS (SELECT FROM pg_aggregate WHERE aggfnoid = p.oid)
  LOOP
    EXECUTE command;
  END LOOP;
END $$;

