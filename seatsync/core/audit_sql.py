"""SQL of the audit's chain: the database links an entry when its transaction commits, and computes its hash."""

LINKING = """
CREATE FUNCTION seatsync_hash_part(part bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT int8send(octet_length(part)::bigint) || part
$$;

CREATE FUNCTION seatsync_hash_part(part text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT seatsync_hash_part(convert_to(part, 'UTF8'))
$$;

CREATE FUNCTION seatsync_audit_hash(entry audit, seq bigint, previous_hash text) RETURNS text LANGUAGE sql IMMUTABLE
AS $$
  SELECT encode(sha256(
    seatsync_hash_part(previous_hash) || seatsync_hash_part(entry.chain::text) || seatsync_hash_part(seq::text)
    || seatsync_hash_part((extract(epoch FROM entry.at) * 1000000)::bigint::text)
    || seatsync_hash_part(entry.actor_kind::text) || seatsync_hash_part(entry.actor_id::text)
    || seatsync_hash_part(coalesce(entry.tenant::text, '')) || seatsync_hash_part(entry.subject::text)
    || seatsync_hash_part(entry.verb::text) || seatsync_hash_part(entry.object_type::text)
    || seatsync_hash_part(entry.object_id::text) || seatsync_hash_part(entry.reason::text)
    || seatsync_hash_part(entry.request_id::text) || seatsync_hash_part(entry.payload_encrypted)
  ), 'hex')
$$;

CREATE FUNCTION seatsync_audit_link(entry audit) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  last audit_links;
BEGIN
  -- The one place where transactions of a tenant wait for each other, and all their other locks are taken by then.
  PERFORM pg_advisory_xact_lock(hashtextextended(entry.chain, 7));
  SELECT * INTO last FROM audit_links WHERE chain = entry.chain ORDER BY seq DESC LIMIT 1;
  last.seq := coalesce(last.seq, 0) + 1;
  last.hash := coalesce(last.hash, repeat('0', 64));
  INSERT INTO audit_links (entry_id, chain, seq, previous_hash, hash)
  VALUES (entry.id, entry.chain, last.seq, last.hash, seatsync_audit_hash(entry, last.seq, last.hash));
END $$;

CREATE FUNCTION seatsync_audit_link_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM seatsync_audit_link(NEW);
  RETURN NULL;
END $$;

DO $$
DECLARE
  entry audit;
BEGIN
  FOR entry IN SELECT * FROM audit ORDER BY chain, created_at, id LOOP
    PERFORM seatsync_audit_link(entry);
  END LOOP;
END $$;

CREATE CONSTRAINT TRIGGER audit_link AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION seatsync_audit_link_new();
"""

UNLINKING = """
DROP TRIGGER audit_link ON audit;
DROP FUNCTION seatsync_audit_link_new();
DROP FUNCTION seatsync_audit_link(audit);
DROP FUNCTION seatsync_audit_hash(audit, bigint, text);
DROP FUNCTION seatsync_hash_part(text);
DROP FUNCTION seatsync_hash_part(bytea);
"""
