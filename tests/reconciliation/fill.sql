insert into payments (id, status, version, citizen_id, amount, currency, refunded_amount, method,
                      created_at, expires_at)
select ID_2, 'succeeded', 1, ID_8, 1000 + n, 'CNY', 0, 'card', AT_N, AT_N + interval '1 hour'
from NUMBERS;

insert into payment_items (id, status, version, payment_id, line_no, is_live, service, plugin,
                           reference, payee, title, amount, currency, payable_version,
                           biller_reference, fulfilled_at, refunding_amount, refunded_amount)
select ID_3, 'fulfilled', 1, ID_2, 1, true, 'water-bill', 'paper', :biller || '.' || n, :biller,
       '{}', 1000 + n, 'CNY', '1', 'POST-' || :label || '-' || n, AT_N, 0, 0
from NUMBERS;

insert into payment_attempts (id, status, version, payment_id, number, method, gateway, gateway_key,
                              intent_id, amount, currency, captured_amount, captured_at,
                              refunded_amount, created_at, asks)
select ID_1, 'succeeded', 1, ID_2, 1, 'card', :gateway, :gateway || n, 'pi_' || :label || '_' || n,
       1000 + n, 'CNY', 1000 + n, AT_N, 0, AT_N, 0
from NUMBERS;

insert into biller_postings (item_id, plugin, key, status, sent_at, claim_job, claim_attempt)
select ID_3, 'paper', cast(ID_3 as text), 'confirmed', AT_N, 0, 0
from NUMBERS;

insert into ledger_transactions (id, kind, external_ref, subject_id, lines, occurred_at, recorded_at)
select ID_5, 'payment.captured', :gateway || chr(58) || 'pi_' || :label || '_' || n, ID_2, 2, AT_N, AT_N
from NUMBERS where n <> all(cast(:unbooked as int[]));

insert into ledger_entries (transaction_id, line_no, account_id, amount, currency)
select ID_5, 1, cast(:debit as uuid), 1000 + n, 'CNY' from NUMBERS
where n <> all(cast(:unbooked as int[]))
union all
select ID_5, 2, cast(:credit as uuid), -1000 - n, 'CNY' from NUMBERS
where n <> all(cast(:unbooked as int[]));

insert into refunds (id, status, version, payment_id, attempt_id, client_reference, amount, currency,
                     reason, requested_by, decided_by, decided_at, gateway_key, gateway_refund_id,
                     created_at, asks)
select ID_4, 'succeeded', 1, ID_2, ID_1, 'test', 100, 'CNY', 'late', 'house', 'rule:late', AT_N,
       :gateway || '/' || n, 're_' || :label || '_' || n, AT_N, 0
from NUMBERS where n = any(cast(:refunded as int[]));

insert into ledger_transactions (id, kind, external_ref, subject_id, lines, occurred_at, recorded_at)
select ID_6, 'refund.done', cast(ID_4 as text), ID_2, 2, AT_N, AT_N
from NUMBERS where n = any(cast(:refunded as int[]));

insert into ledger_entries (transaction_id, line_no, account_id, amount, currency)
select ID_6, 1, cast(:credit as uuid), 100, 'CNY' from NUMBERS
where n = any(cast(:refunded as int[]))
union all
select ID_6, 2, cast(:debit as uuid), -100, 'CNY' from NUMBERS
where n = any(cast(:refunded as int[]))
