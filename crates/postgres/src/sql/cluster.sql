-- The roles that every instance of the service has. Single-user mode reads this: a statement ends
-- with a semicolon and an empty line. Repeated, it brings back what is missing: up to 15 whoever
-- may create roles may drop these.

DO $$ DECLARE it name; BEGIN
  FOREACH it IN ARRAY '{rds_superuser, rds_iam, rds_password, rds_replication}'::name[] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = it) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', it);
    END IF;
  END LOOP;
END $$;

GRANT pg_monitor, pg_signal_backend, rds_replication, rds_password TO rds_superuser
  WITH ADMIN OPTION;

-- Up to 15 whoever may create roles may grant any that is no superuser's, and with these three
-- reaches the machine's files and programs.
UPDATE pg_authid SET rolsuper = true WHERE rolname IN
  ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files');

-- What would end or hinder a session by right of a parameter group does not reach those of
-- rdsadmin.
DO $$ DECLARE it record; BEGIN
  FOR it IN SELECT name, boot_val FROM pg_settings WHERE name IN
    ('debug_parallel_query', 'default_transaction_read_only', 'force_parallel_mode',
     'idle_in_transaction_session_timeout', 'idle_session_timeout', 'lock_timeout',
     'session_replication_role', 'statement_timeout', 'transaction_timeout')
  LOOP
    EXECUTE format('ALTER ROLE rdsadmin SET %I TO %L', it.name, it.boot_val);
  END LOOP;
END $$;

