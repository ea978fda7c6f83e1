WITH moved AS (
    UPDATE queue_shard SET seq = $1, chain = $2
    WHERE hall = $3 AND epoch = $4 AND state = 'active' AND seq = $5 AND chain = $6
    RETURNING hall, epoch
), written AS (
    INSERT INTO queue_event (hall, epoch, seq, event_id, request_id, date, kind, ticket_id, ticket_version, counter_id,
        actor, actor_kind, at, chain, body)
    SELECT moved.hall, moved.epoch, e.seq, e.event_id, NULLIF(e.request_id, ''), e.date, e.kind, NULLIF(e.ticket_id, ''),
        NULLIF(e.ticket_version, 0), NULLIF(e.counter_id, ''), e.actor, e.actor_kind, e.at, e.chain, e.body
    FROM moved, UNNEST($7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::integer[],
        $14::text[], $15::text[], $16::text[], $17::timestamptz[], $18::text[], $19::text[])
        AS e (seq, event_id, request_id, date, kind, ticket_id, ticket_version, counter_id, actor, actor_kind, at, chain,
            body)
), folded AS (
    INSERT INTO queue_ticket (hall, id, date, series, ordinal, number, token, version, state, service_id, agency_id,
        counter_id, arrived_at, body)
    SELECT moved.hall, t.id, t.date, t.series, t.ordinal, t.number, t.token, t.version, t.state, t.service_id, t.agency_id,
        NULLIF(t.counter_id, ''), t.arrived_at, t.body
    FROM moved, UNNEST($20::text[], $21::text[], $22::text[], $23::integer[], $24::text[], $25::text[], $26::integer[],
        $27::text[], $28::text[], $29::text[], $30::text[], $31::timestamptz[], $32::text[])
        AS t (id, date, series, ordinal, number, token, version, state, service_id, agency_id, counter_id, arrived_at, body)
    ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version, state = EXCLUDED.state, service_id = EXCLUDED.service_id,
        agency_id = EXCLUDED.agency_id, counter_id = EXCLUDED.counter_id, body = EXCLUDED.body
), closed AS (
    INSERT INTO queue_serving (hall, from_seq, to_seq, ticket_id, counter_id)
    SELECT moved.hall, held.from_seq, c.to_seq, c.ticket_id, held.counter_id
    FROM moved, UNNEST($33::text[], $34::bigint[]) AS c (ticket_id, to_seq),
        LATERAL (SELECT s.from_seq, s.counter_id FROM queue_serving AS s
            WHERE s.ticket_id = c.ticket_id AND s.to_seq IS NULL AND s.hall = moved.hall LIMIT 1) AS held
    WHERE c.to_seq BETWEEN 1 AND $1
    ON CONFLICT (hall, from_seq) DO UPDATE SET to_seq = EXCLUDED.to_seq
    RETURNING from_seq
), opened AS (
    INSERT INTO queue_serving (hall, from_seq, to_seq, ticket_id, counter_id)
    SELECT moved.hall, o.from_seq, NULLIF(o.to_seq, 0), o.ticket_id, o.counter_id
    FROM moved, UNNEST($35::bigint[], $36::bigint[], $37::text[], $38::text[])
        AS o (from_seq, to_seq, ticket_id, counter_id)
    WHERE (SELECT count(*) FROM closed) >= 0
)
SELECT 1 FROM moved
