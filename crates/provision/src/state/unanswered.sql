-- Requests whose answer is not known: under way, or left so by a run that was interrupted or stopped. Only open runs can
-- have any, and the entries of a run are those before the next one's.
SELECT journal.id AS entry, journal.run, journal.object, journal.method, journal.path
FROM (
    SELECT is_open, first_entry, lead(first_entry, 1, 9223372036854775807) OVER (ORDER BY id) AS next_entry
    FROM runs
) AS span
JOIN journal ON journal.id >= span.first_entry AND journal.id < span.next_entry
WHERE span.is_open
    AND NOT EXISTS (SELECT 1 FROM answers WHERE answers.entry = journal.id)
    AND NOT EXISTS (
        SELECT 1 FROM outcomes
        WHERE outcomes.run = journal.run AND outcomes.entry = journal.id AND outcomes.status IS NOT NULL
    )
