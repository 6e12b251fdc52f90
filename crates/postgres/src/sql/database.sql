-- What lets members of rds_superuser create extensions that PostgreSQL leaves to superusers, in
-- every database, on every release, without a change of the engine's files. Single-user mode reads
-- this: a statement ends with a semicolon and an empty line.
--
-- Between the two triggers the caller is a superuser, in a transaction that no one else sees and in
-- which nothing runs but the extension's own script; an error undoes it with the rest. Objects that
-- are members of an extension are left out of dumps, so these are members of plpgsql.

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

-- Judges what was created, with all that CASCADE brought along, before anyone can use it. C functions
-- go to rdsadmin, as those of PostgreSQL's own trusted extensions do: what a script keeps from
-- PUBLIC is kept from the caller too. One that runs with its owner's rights stays the caller's.
CREATE FUNCTION pg_catalog.rds_create_extension_end() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- Those of PostgreSQL that lead to no file, program or session of the server's own.
  safe CONSTANT text[] := '{
    amcheck, autoinc, bloom, bool_plperl, btree_gin, btree_gist, citext, cube, dblink, dict_int,
    dict_xsyn, earthdistance, fuzzystrmatch, hstore, hstore_plperl, insert_username, intagg,
    intarray, isn, jsonb_plperl, lo, ltree, moddatetime, pg_buffercache, pg_freespacemap,
    pg_prewarm, pg_stat_statements, pg_trgm, pg_visibility, pgcrypto, pgrowlocks, pgstattuple,
    plperl, pltcl, postgres_fdw, refint, seg, sslinfo, tablefunc, tcn, tsm_system_rows,
    tsm_system_time, unaccent, uuid-ossp}';
  caller name := coalesce(nullif(current_setting('role'), 'none'), session_user);
  allowed text := coalesce((SELECT setting FROM pg_file_settings
    WHERE name = 'rds.allowed_extensions' ORDER BY seqno DESC LIMIT 1), '*');
  extensions oid[];
  refused text;
  member oid;
BEGIN
  IF caller = 'rdsadmin' THEN
    RETURN;
  END IF;
  WITH RECURSIVE needed(oid) AS (
    SELECT objid FROM pg_event_trigger_ddl_commands() WHERE classid = 'pg_extension'::regclass
    UNION
    SELECT d.refobjid FROM needed JOIN pg_depend d ON d.objid = needed.oid
    WHERE d.classid = 'pg_extension'::regclass AND d.refclassid = 'pg_extension'::regclass
  ) SELECT array_agg(oid) INTO extensions FROM needed;
  SELECT extname INTO refused FROM pg_extension WHERE oid = ANY (extensions)
    AND NOT (extname = ANY (safe)
      AND (allowed = '*' OR extname = ANY (regexp_split_to_array(allowed, ' *, *'))));
  IF FOUND THEN
    RAISE insufficient_privilege USING
      MESSAGE = format('permission denied to create extension "%s"', refused),
      HINT = 'It is not among the extensions that the service and rds.allowed_extensions allow.';
  END IF;
  FOR member IN
    SELECT p.oid FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
    JOIN pg_language l ON l.oid = p.prolang JOIN pg_roles r ON r.oid = p.proowner
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass
      AND d.refobjid = ANY (extensions) AND d.deptype = 'e' AND l.lanname = 'c'
      AND NOT p.prosecdef AND r.rolname = caller
  LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO rdsadmin', member::regprocedure);
  END LOOP;
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = caller) THEN
    EXECUTE format('ALTER ROLE %I NOSUPERUSER', caller);
  END IF;
END $$;

CREATE EVENT TRIGGER rds_create_extension_begin ON ddl_command_start
  WHEN TAG IN ('CREATE EXTENSION')
  EXECUTE PROCEDURE pg_catalog.rds_create_extension_begin();

CREATE EVENT TRIGGER rds_create_extension_end ON ddl_command_end
  WHEN TAG IN ('CREATE EXTENSION')
  EXECUTE PROCEDURE pg_catalog.rds_create_extension_end();

ALTER EXTENSION plpgsql ADD FUNCTION pg_catalog.rds_create_extension_begin();

ALTER EXTENSION plpgsql ADD FUNCTION pg_catalog.rds_create_extension_end();

ALTER EXTENSION plpgsql ADD EVENT TRIGGER rds_create_extension_begin;

ALTER EXTENSION plpgsql ADD EVENT TRIGGER rds_create_extension_end;

