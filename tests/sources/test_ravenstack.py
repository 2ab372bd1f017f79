"""The mapping files of docs/how-to/load-ravenstack.md, on a few rows of that shape."""

from pathlib import Path

from staycurve.sources.mapping import read_mapping
from tests.sources.company import NOW, Company, counts, utc

MAPPINGS = Path(__file__).parents[2] / "docs" / "how-to" / "ravenstack"

ACCOUNTS = """
    account_id,account_name,industry,country,signup_date,referral_source,plan_tier,seats,is_trial,churn_flag
    A-1,Company_1,EdTech,US,2023-01-05,partner,Basic,9,FALSE,FALSE
    A-2,Company_2,FinTech,IN,2023-02-10,other,Pro,18,FALSE,TRUE
    """
SUBSCRIPTIONS = """
    subscription_id,account_id,start_date,end_date,plan_tier,seats,mrr_amount,arr_amount,is_trial,upgrade_flag,downgrade_flag,churn_flag,billing_frequency,auto_renew_flag
    S-1,A-1,2023-02-01,2023-06-01,Enterprise,14,2786,33432,FALSE,FALSE,FALSE,TRUE,monthly,TRUE
    S-2,A-2,2023-03-01,,Pro,17,833,9996,FALSE,FALSE,FALSE,FALSE,annual,TRUE
    S-3,A-2,2023-03-05,,Enterprise,62,0,0,TRUE,TRUE,FALSE,FALSE,annual,FALSE
    """
USAGE = """
    usage_id,subscription_id,usage_date,feature_name,usage_count,usage_duration_secs,error_count,is_beta_feature
    U-1,S-1,2023-03-01,feature_20,9,5004,0,False
    U-1,S-2,2023-04-07,feature_5,9,369,0,False
    """
TICKETS = """
    ticket_id,account_id,submitted_at,closed_at,resolution_time_hours,priority,first_response_time_minutes,satisfaction_score,escalation_flag
    T-1,A-1,2023-07-27,2023-07-28 3:00,27,high,74,,FALSE
    T-2,A-2,2023-07-08,2023-07-09 3:00,27,urgent,144,4,FALSE
    """
CHURN = """
    churn_event_id,account_id,churn_date,reason_code,refund_amount_usd,preceding_upgrade_flag,preceding_downgrade_flag,is_reactivation,feedback_text
    C-1,A-1,2023-06-01,pricing,4.03,FALSE,FALSE,FALSE,switched to competitor
    C-2,A-1,2023-09-25,support,96.45,TRUE,FALSE,FALSE,
    """
FILES = {
    "accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS, "feature_usage": USAGE,
    "support_tickets": TICKETS, "churn_events": CHURN,
}


def test_every_row_of_ravenstack_finds_its_place(company: Company) -> None:
    from staycurve.sources.files import load_files

    found = {}
    for name, text in FILES.items():
        path = company.write(f"ravenstack_{name}.csv", text)
        mapping = read_mapping(MAPPINGS / f"{name}.toml")
        for report in load_files(company.lake, company.config, [path], mapping=mapping, now=NOW):
            found[name, report.table] = counts(report)
    assert found == {
        ("accounts", "accounts"): (2, 0, 0),
        ("subscriptions", "subscriptions"): (3, 0, 0),
        ("feature_usage", "events"): (2, 0, 0),
        ("support_tickets", "tickets"): (2, 0, 0),
        ("support_tickets", "answers"): (1, 0, 0),
        ("churn_events", "answers"): (2, 0, 0),
    }
    assert company.rejects() == []
    # The annual subscription's amount is a monthly one, too.
    assert company.rows(
        "subscriptions", "subscription_id, status, interval, amount, term_months, ends_at"
    ) == [
        ("S-1", "active", "month", 2_786_000_000, 1, utc("2023-06-01")),
        ("S-2", "active", "month", 833_000_000, 12, None),
        ("S-3", "trialing", "month", 0, 12, None),
    ]
    assert company.rows("events", "account_id, event, occurred_at") == [
        ("A-1", "feature_20", utc("2023-03-01")), ("A-2", "feature_5", utc("2023-04-07")),
    ]
    assert company.rows("tickets", "ticket_id, solved_at, priority") == [
        ("T-1", utc("2023-07-28T03:00:00"), "high"), ("T-2", utc("2023-07-09T03:00:00"), "urgent"),
    ]
    assert company.rows("answers", "answer_id, account_id, kind, score, comment") == [
        ("C-1", "A-1", "open", None, "switched to competitor"),
        ("C-2", "A-1", "open", None, "support"),
        ("T-2", "A-2", "csat", 4, None),
    ]
    assert company.rows("accounts", "account_id, channel, attributes") == [
        ("A-1", "partner",
         '{"plan_tier":"Basic","seats":"9","is_trial":"FALSE","churn_flag":"FALSE"}'),
        ("A-2", "other",
         '{"plan_tier":"Pro","seats":"18","is_trial":"FALSE","churn_flag":"TRUE"}'),
    ]
