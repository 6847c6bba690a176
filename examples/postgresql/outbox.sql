-- What changes in a table is written down for the chat in the same transaction: neither is there without
-- the other.

CREATE TABLE chat_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room text NOT NULL,
    text text NOT NULL,
    data jsonb NOT NULL DEFAULT '{}'
);

-- An example: orders, and whoever works on them.

CREATE TABLE orders (id bigint PRIMARY KEY, customer text NOT NULL, state text NOT NULL);

CREATE FUNCTION tell_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chat_outbox (room, text, data) VALUES (
        'orders', format('order %s of %s is %s', NEW.id, NEW.customer, NEW.state),
        jsonb_build_object('order', NEW.id, 'state', NEW.state)
    );
    NOTIFY chat_outbox;
    RETURN NULL;
END $$;

CREATE TRIGGER tell_of_order AFTER INSERT OR UPDATE OF state ON orders
    FOR EACH ROW EXECUTE FUNCTION tell_of_order();
