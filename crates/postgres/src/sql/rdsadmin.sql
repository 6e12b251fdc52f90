-- The service's own database. Single-user mode reads this: a statement ends with a semicolon and
-- an empty line.

CREATE DATABASE rdsadmin;

REVOKE ALL ON DATABASE rdsadmin FROM PUBLIC;

