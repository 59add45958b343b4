-- The database that holds the tables and views.
-- Parameters: ${database}.
CREATE DATABASE IF NOT EXISTS ${database}
COMMENT 'WhatsApp engagement: sends, statuses, clicks'
