"""Other names: what other tools and people call the columns of the conformed tables."""

from __future__ import annotations

NAMES: dict[str, tuple[str, ...]] = {
    # ours → what other tools call it, as `plain` writes it
    "account_id": (
        "account", "customer_id", "customer", "client_id", "client", "company_id", "org_id",
        "organization_id", "organisation_id", "tenant_id", "workspace_id", "account_code",
        "customer_external_id", "team_id",
    ),
    "subscription_id": ("subscription", "sub_id", "sub", "contract_id", "subscription_uuid"),
    "item_id": ("subscription_item_id", "line_item_id", "price_id"),
    "payment_id": ("charge_id", "transaction_id", "payment"),
    "invoice_id": ("invoice", "invoice_number", "invoice_no"),
    "user_id": ("user", "contact_id", "person_id", "distinct_id", "requester_id", "member_id"),
    "event_id": ("uuid", "insert_id", "message_id"),
    "lead_id": ("deal_id", "opportunity_id", "lead"),
    "ticket_id": ("case_id", "conversation_id", "ticket"),
    "answer_id": ("response_id",),
    "plan": (
        "plan_name", "plan_id", "plan_code", "price_name", "tier", "package", "plan_tier",
        "plan_type", "subscription_plan", "subscription_type",
    ),
    "product": ("product_name", "product_id"),
    "interval": (
        "billing_interval", "billing_period", "billing_cycle", "cycle", "period", "frequency",
        "billing_frequency", "interval_unit",
    ),
    "quantity": ("seats", "units", "qty", "licenses", "licences"),
    "unit_amount": (
        "unit_price", "price_per_unit", "price_per_seat", "price", "monthly_price", "amount",
        "plan_amount",
    ),
    "amount": (
        "price", "mrr", "monthly_amount", "value", "total", "amount_due", "gross", "monthly_price",
        "recurring_amount", "mrr_amount", "monthly_revenue", "monthly_recurring_revenue",
        "monthly_fee", "plan_price", "plan_amount", "plan_value", "fee",
    ),
    "currency": ("currency_code", "ccy", "curr"),
    "status": ("state", "subscription_status"),
    "starts_at": (
        "start", "start_date", "started_at", "starts", "start_at", "from", "begin", "begin_date",
        "activated_at", "start_time", "valid_from", "subscription_start", "starts_on",
        "created_at", "created", "signup_date",
    ),
    "ends_at": (
        "end", "end_date", "ended_at", "ends", "end_at", "to", "until", "canceled_at",
        "cancelled_at", "cancel_date", "cancellation_date", "expires_at", "churned_at", "end_time",
        "valid_to", "subscription_end", "ends_on", "churn_date",
    ),
    "period_start": (
        "billing_start_date", "billing_period_start", "service_period_start", "service_start",
        "start_date", "start", "from",
    ),
    "period_end": (
        "billing_end_date", "billing_period_end", "service_period_end", "service_end", "end_date",
        "end", "to",
    ),
    "billed_at": ("invoice_date", "issued_at", "issue_date", "billing_date", "invoiced_at"),
    "invoice_status": ("status",),
    "end_reason": ("cancellation_reason", "cancel_reason", "churn_reason", "reason"),
    "created_at": (
        "created", "created_date", "create_date", "signup_date", "signed_up_at", "created_on",
        "created_time", "creation_date",
    ),
    "paid_at": ("paid", "payment_date", "paid_on", "paid_date"),
    "failed_at": ("failed",),
    "occurred_at": ("timestamp", "time", "event_time", "date", "datetime"),
    "opened_at": ("created_at", "created", "created_time", "opened"),
    "solved_at": ("resolved_at", "closed_at", "resolved_time", "solved"),
    "answered_at": ("submitted_at", "responded_at", "submit_date", "completed_at"),
    "event": ("event_name", "event_type", "action"),
    "name": ("company_name", "company", "account_name", "customer_name", "full_name"),
    "country": ("country_code", "country_region", "billing_country"),
    "employees": ("number_of_employees", "company_size", "headcount"),
    "channel": ("source", "lead_source", "original_source", "utm_source", "channel_group"),
    "count": ("sessions", "visits", "visitors"),
    "day": ("date",),
    "score": ("nps", "nps_score", "rating"),
    "comment": ("feedback", "verbatim"),
    "month": ("date", "period"),
    "rate": ("exchange_rate", "fx_rate"),
}

NOUNS: dict[str, tuple[str, ...]] = {
    "accounts": ("account", "customer"),
    "subscriptions": ("subscription", "sub"),
    "invoice_lines": ("invoice", "line", "billing"),
    "payments": ("payment", "charge"),
    "tickets": ("ticket",),
    "leads": ("lead", "deal"),
}
"""What a header may begin with that only repeats what a row is: `subscription_start_date`."""
