"""A small file of every known export, made up with the documented headers, and what it comes to.

The expected rows were worked out by hand from what each file says.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sample:
    """A file, and what the table holds after it.

    Attributes
    ----------
    counts : tuple of (int, int, int)
        accepted, replaced, rejected of each table that the file feeds.
    columns : str
        What is asked of the table.
    rows : list of tuple
        What it answers.
    before : mapping
        Files that are loaded first: name → text.
    """

    name: str
    file: str
    text: str
    counts: list[tuple[int, int, int]]
    columns: str
    rows: list[tuple[object, ...]]
    before: dict[str, str] = field(default_factory=dict)


ACCOUNTS = {"accounts.csv": "account_id,name\na1,Acme\na2,Bolt\n"}

SAMPLES = [
    Sample(
        "stripe-subscriptions", "subscriptions.csv",
        "id,Customer ID,Customer Description,Customer Email,Plan,Quantity,Currency,Interval,"
        "Amount,Status,Created (UTC),Start (UTC),Current Period Start (UTC),"
        "Current Period End (UTC),Trial Start (UTC),Trial End (UTC),Canceled At (UTC),"
        "Ended At (UTC)\n"
        "sub_1,cus_1,Acme,a@acme.test,Pro,2,usd,month,50.00,active,2024-01-01 10:00,"
        "2024-01-01 10:00,2024-06-01 10:00,2024-07-01 10:00,,,,\n"
        "sub_2,cus_2,Bolt,b@bolt.test,Team,1,usd,year,1200.00,canceled,2024-02-01 10:00,"
        "2024-02-01 10:00,2024-02-15 10:00,2025-02-15 10:00,2024-02-01 10:00,2024-02-15 10:00,"
        "2024-04-20 08:00,2024-05-01 00:00\n",
        [(2, 0, 0), (1, 0, 0)],
        "subscription_id, status, amount, strftime(starts_at, '%Y-%m-%d %H:%M'), "
        "strftime(ends_at, '%Y-%m-%d')",
        [
            ("sub_1", "active", 100_000_000, "2024-01-01 10:00", None),
            ("sub_2", "canceled", 1_200_000_000, "2024-02-15 10:00", "2024-05-01"),
            ("sub_2", "trialing", 1_200_000_000, "2024-02-01 10:00", "2024-02-15"),
        ],
    ),
    Sample(
        "stripe-customers", "customers.csv",
        "id,Description,Email,Name,Created (UTC),Delinquent,Plan,Status,Total Spend,Payment Count\n"
        "cus_1,,a@acme.test,Acme,2024-01-01 10:00,false,pro,active,100.00,2\n"
        "cus_2,Bolt Inc,b@bolt.test,,2024-02-01 23:30,false,,,0.00,0\n",
        [(2, 0, 0)],
        "account_id, name, strftime(created_at, '%Y-%m-%d %H:%M')",
        [("cus_1", "Acme", "2024-01-01 10:00"), ("cus_2", "Bolt Inc", "2024-02-01 23:30")],
    ),
    Sample(
        "stripe-invoices", "invoices.csv",
        "id,Amount Due,Amount Paid,Customer,Customer Name,Date (UTC),Number,Paid At (UTC),"
        "Subscription,Currency,Status\n"
        "in_1,100.00,100.00,cus_1,Acme,2024-01-01 10:00,A-1,2024-01-02 09:00,sub_1,usd,paid\n"
        "in_2,50.00,0.00,cus_2,Bolt,2024-01-03 10:00,A-2,,sub_2,usd,open\n",
        [(2, 0, 0)],
        "payment_id, account_id, amount, strftime(paid_at, '%Y-%m-%d %H:%M')",
        [
            ("in_1", "cus_1", 100_000_000, "2024-01-02 09:00"),
            ("in_2", "cus_2", 50_000_000, None),
        ],
    ),
    Sample(
        "stripe-invoice-line-items", "lines.csv",
        "Line Item ID,Invoice ID,Customer ID,Subscription ID,Plan,Period Start (UTC),"
        "Period End (UTC),Quantity,Amount,Currency,Proration,Invoice Status\n"
        "il_1,in_1,cus_1,sub_1,Pro,2024-01-01 00:00,2024-02-01 00:00,2,100.00,usd,false,paid\n"
        "il_2,in_2,cus_1,sub_1,Pro,2024-01-15 00:00,2024-02-01 00:00,1,-25.50,usd,true,open\n",
        [(2, 0, 0)],
        "line_id, account_id, amount, is_proration, invoice_status, "
        "strftime(period_end, '%Y-%m-%d')",
        [
            ("il_1", "cus_1", 100_000_000, False, "paid", "2024-02-01"),
            ("il_2", "cus_1", -25_500_000, True, "open", "2024-02-01"),
        ],
    ),
    Sample(
        # 12000 cents are 120.00.
        "chartmogul-invoice-line-items", "line_items.csv",
        "Invoice external ID,External ID,Subscription external ID,Type,Amount in cents,Plan,"
        "Service period start,Service period end,Quantity,Proration,Discount code,Discount amount,"
        "Tax amount\n"
        "INV1,l1,sub_1,subscription,12000,pro,2024-01-01 00:00:00,2025-01-01 00:00:00,1,false,,"
        "2000,0\n"
        "INV1,l2,,one_time,5000,,2024-01-01 00:00:00,2024-01-01 00:00:00,1,false,,0,0\n",
        [(2, 0, 0)],
        "account_id, subscription_id, kind, amount, discount_amount",
        [
            ("c1", "sub_1", "base", 120_000_000, 20_000_000),
            ("c1", None, "one_time", 50_000_000, 0),
        ],
        before={
            "invoices.csv": "Customer external ID,Invoice external ID,Invoiced date,Due date,"
            "Currency\nc1,INV1,2024-01-01 00:00:00,,USD\n",
        },
    ),
    Sample(
        "stripe-payments", "unified_payments.csv",
        "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,"
        "Decline Reason,Description,Fee,Status,Seller Message,Customer ID,Invoice ID\n"
        "ch_1,2024-01-02 09:00:00,100.00,0.00,usd,true,100.00,,Invoice A-1,3.20,Paid,"
        "Payment complete.,cus_1,in_1\n"
        "ch_2,2024-02-02 09:00:00,50.00,0.00,usd,false,,insufficient_funds,Invoice A-2,0.00,"
        "Failed,The bank declined.,cus_2,in_2\n"
        "ch_3,2024-03-02 09:00:00,20.00,20.00,usd,true,20.00,,Invoice A-3,0.88,Refunded,"
        "Payment complete.,cus_1,in_3\n",
        [(3, 0, 0)],
        "payment_id, amount, refunded_amount, strftime(paid_at, '%Y-%m-%d'), "
        "strftime(failed_at, '%Y-%m-%d'), failure_reason",
        [
            ("ch_1", 100_000_000, 0, "2024-01-02", None, None),
            ("ch_2", 50_000_000, 0, None, "2024-02-02", "insufficient_funds"),
            ("ch_3", 20_000_000, 20_000_000, "2024-03-02", None, None),
        ],
    ),
    Sample(
        "chartmogul-customers", "customers.csv",
        "Name,Email,Company,Country,State,City,Zip,External ID,Lead created at,"
        "Free trial started at\n"
        "Joe Doe,joe@acme.test,Acme,US,IL,Chicago,60611,c1,2024-01-01 00:00:00,\n"
        "Ann Lee,ann@bolt.test,,GB,,London,E1,c2,,\n",
        [(2, 0, 0)],
        "account_id, name, country, strftime(created_at, '%Y-%m-%d')",
        [("c1", "Acme", "US", "2024-01-01"), ("c2", "Ann Lee", "GB", None)],
    ),
    Sample(
        "chartmogul-invoices", "invoices.csv",
        "Customer external ID,Invoice external ID,Invoiced date,Due date,Currency\n"
        "c1,INV1,2024-01-01 00:00:00,2024-01-15 00:00:00,USD\n",
        [(1, 0, 0)],
        "payment_id, account_id, invoice_id, amount",
        [("INV1", "c1", "INV1", None)],
    ),
    Sample(
        "chartmogul-transactions", "transactions.csv",
        "Invoice external ID,External ID,Type,Result,Date\n"
        "INV1,t1,payment,failed,2024-01-02 10:00:00\n"
        "INV1,t2,payment,successful,2024-01-05 10:00:00\n",
        [(2, 0, 0)],
        "payment_id, account_id, strftime(paid_at, '%Y-%m-%d'), strftime(failed_at, '%Y-%m-%d')",
        [
            ("INV1", "c1", None, None),
            ("t1", "c1", None, "2024-01-02"),
            ("t2", "c1", "2024-01-05", None),
        ],
        before={
            "invoices.csv": "Customer external ID,Invoice external ID,Invoiced date,Due date,"
            "Currency\nc1,INV1,2024-01-01 00:00:00,,USD\n",
        },
    ),
    Sample(
        "chargebee-subscriptions", "Subscriptions.csv",
        "subscriptions.id,customers.id,subscriptions.plan_id,subscriptions.plan_quantity,"
        "subscriptions.plan_unit_price,subscriptions.currency_code,subscriptions.status,"
        "subscriptions.billing_period,subscriptions.billing_period_unit,subscriptions.start_date,"
        "subscriptions.trial_end,subscriptions.cancelled_at,subscriptions.created_at\n"
        "s1,c1,pro,3,10.00,USD,active,1,month,2024-01-13 10:00:00,,,2024-01-01 10:00:00\n"
        "s2,c2,team,1,300.00,USD,cancelled,3,month,2024-01-01 10:00:00,,2024-07-01 00:00:00,"
        "2024-01-01 10:00:00\n"
        "s3,c3,team,1,300.00,USD,non_renewing,1,year,2024-01-01 10:00:00,,,2024-01-01 10:00:00\n",
        [(3, 0, 0)],
        "subscription_id, status, amount, interval, interval_count, "
        "strftime(starts_at, '%Y-%m-%d'), strftime(ends_at, '%Y-%m-%d')",
        [
            ("s1", "active", 30_000_000, "month", 1, "2024-01-13", None),
            ("s2", "canceled", 300_000_000, "month", 3, "2024-01-01", "2024-07-01"),
            ("s3", "active", 300_000_000, "year", 1, "2024-01-01", None),
        ],
    ),
    Sample(
        "chargebee-customers", "Customers.csv",
        "customers.id,customers.first_name,customers.email,customers.company,"
        "customers.created_at,customers.preferred_currency_code\n"
        "c1,Ann,ann@acme.test,Acme,2024-01-13 10:00:00,EUR\n",
        [(1, 0, 0)],
        "account_id, name, currency, strftime(created_at, '%Y-%m-%d')",
        [("c1", "Acme", "EUR", "2024-01-13")],
    ),
    Sample(
        "chargebee-invoices", "Invoices.csv",
        "invoices.id,invoices.customer_id,invoices.subscription_id,invoices.status,"
        "invoices.total,invoices.currency_code,invoices.paid_at,invoices.due_date\n"
        "1,c1,s1,paid,30.00,USD,2024-01-13 10:00:00,2024-01-13 10:00:00\n"
        "2,c2,s2,not_paid,300.00,USD,,2024-02-14 10:00:00\n",
        [(2, 0, 0)],
        "payment_id, amount, strftime(paid_at, '%Y-%m-%d'), strftime(failed_at, '%Y-%m-%d')",
        [("1", 30_000_000, "2024-01-13", None), ("2", 300_000_000, None, "2024-02-14")],
    ),
    Sample(
        # How often gold-2 bills is not in the file: its row is rejected, not taken as monthly.
        "recurly-subscriptions", "subscriptions.csv",
        "uuid,account_code,email,plan_code,state,auto_renew,currency,quantity,unit_amount,"
        "add_on_amount,total_recurring_amount,trial_started_at,trial_ends_at,activated_at,"
        "modified_at,canceled_at,expires_at,plan_name,paused_at\n"
        "u1,acme,a@acme.test,monthly,active,TRUE,USD,2,10,5,25,,,2024-01-01 10:00:00 UTC,,,,Pro,\n"
        "u2,bolt,b@bolt.test,annual,canceled,FALSE,USD,1,120,0,120,,,2024-01-01 10:00:00 UTC,,"
        "2024-05-01 10:00:00 UTC,2025-01-01 10:00:00 UTC,Pro yearly,\n"
        "u3,core,c@core.test,gold-2,active,TRUE,USD,1,10,0,10,,,2024-01-01 10:00:00 UTC,,,,Gold,\n",
        [(2, 0, 1)],
        "subscription_id, plan, status, interval, amount, strftime(ends_at, '%Y-%m-%d')",
        [
            ("u1", "Pro", "active", "month", 25_000_000, None),
            ("u2", "Pro yearly", "active", "year", 120_000_000, "2025-01-01"),
        ],
    ),
    Sample(
        # Amounts are texts in the smallest unit: 14900 is 149.00 USD and 14,900 JPY.
        "paddle-subscriptions", "paddle.ndjson",
        '{"id": "sub_1", "status": "active", "customer_id": "ctm_1", "currency_code": "USD", '
        '"started_at": "2024-01-01T10:00:00Z", "created_at": "2024-01-01T10:00:00Z", '
        '"canceled_at": null, "billing_cycle": {"interval": "month", "frequency": 1}, '
        '"items": [{"quantity": 2, "price": {"id": "pri_1", "name": "Pro", '
        '"unit_price": {"amount": "14900", "currency_code": "USD"}}}, {"quantity": 1, "price": '
        '{"id": "pri_2", "name": "Seat", "unit_price": {"amount": "500"}}}]}\n'
        '{"id": "sub_2", "status": "canceled", "customer_id": "ctm_2", "currency_code": "JPY", '
        '"started_at": "2024-01-01T10:00:00Z", "created_at": "2024-01-01T10:00:00Z", '
        '"canceled_at": "2024-03-01T00:00:00Z", '
        '"billing_cycle": {"interval": "year", "frequency": 1}, "items": [{"quantity": 1, '
        '"price": {"id": "pri_3", "name": "JP", "unit_price": {"amount": "14900"}}}]}\n',
        [(2, 0, 0), (1, 0, 0), (0, 0, 0)],
        "subscription_id, item_id, plan, currency, amount, interval, "
        "strftime(ends_at, '%Y-%m-%d')",
        [
            ("sub_1", "pri_1", "Pro", "USD", 298_000_000, "month", None),
            ("sub_1", "pri_2", "Seat", "USD", 5_000_000, "month", None),
            ("sub_2", "pri_3", "JP", "JPY", 14_900_000_000, "year", "2024-03-01"),
        ],
    ),
    Sample(
        "paddle-transactions", "transactions.csv",
        "id,status,customer_id,subscription_id,invoice_number,currency_code,total,created_at,"
        "billed_at\n"
        "txn_1,completed,ctm_1,sub_1,1-1,USD,14900,2024-01-01T10:00:00Z,2024-01-01T10:05:00Z\n"
        "txn_2,past_due,ctm_1,sub_1,1-2,USD,14900,2024-02-01T10:00:00Z,2024-02-01T10:05:00Z\n",
        [(2, 0, 0)],
        "payment_id, amount, strftime(paid_at, '%Y-%m-%d %H:%M'), "
        "strftime(failed_at, '%Y-%m-%d %H:%M')",
        [
            ("txn_1", 149_000_000, "2024-01-01 10:05", None),
            ("txn_2", 149_000_000, None, "2024-02-01 10:05"),
        ],
    ),
    Sample(
        "paypal-subscriptions", "paypal.ndjson",
        '{"id": "I-1", "plan_id": "P-1", "status": "ACTIVE", "start_time": '
        '"2024-01-01T10:00:00Z", "status_update_time": "2024-01-02T10:00:00Z", "quantity": "2", '
        '"subscriber": {"payer_id": "PAYER1"}, "plan": {"name": "Premium", "billing_cycles": '
        '[{"pricing_scheme": {"fixed_price": {"currency_code": "USD", "value": "19.95"}}, '
        '"frequency": {"interval_unit": "MONTH", "interval_count": 1}}]}}\n'
        '{"id": "I-2", "plan_id": "P-1", "status": "CANCELLED", "start_time": '
        '"2024-01-01T10:00:00Z", "status_update_time": "2024-04-01T00:00:00Z", "quantity": "1", '
        '"subscriber": {"payer_id": "PAYER2"}, "plan": {"name": "Premium", "billing_cycles": '
        '[{"pricing_scheme": {"fixed_price": {"currency_code": "USD", "value": "19.95"}}, '
        '"frequency": {"interval_unit": "MONTH", "interval_count": 1}}]}}\n',
        [(2, 0, 0)],
        "subscription_id, account_id, product, status, amount, strftime(ends_at, '%Y-%m-%d')",
        [
            ("I-1", "PAYER1", "Premium", "active", 39_900_000, None),
            ("I-2", "PAYER2", "Premium", "canceled", 19_950_000, "2024-04-01"),
        ],
    ),
    Sample(
        # The transfer to the bank has no subscription, and is not meant for the table.
        "paypal-payments", "Download.CSV",
        '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net",'
        '"From Email Address","Transaction ID","Subscription ID","Invoice Number"\n'
        '"01/31/2024","10:00:00","PST","Acme","Subscription Payment","Completed","USD",'
        '"1,234.50","-3","1,231.50","a@acme.test","T1","I-1","N1"\n'
        '"02/28/2024","10:00:00","PST","","Transfer","Completed","USD","-500.00","0","-500.00",'
        '"","T2","",""\n',
        [(1, 0, 0)],
        "payment_id, account_id, amount, strftime(paid_at, '%Y-%m-%d')",
        [("T1", "a@acme.test", 1_234_500_000, "2024-01-31")],
    ),
    Sample(
        "hubspot-companies", "hubspot-crm-exports.csv",
        '"Record ID","Company name","Company owner","Create Date","Phone Number","City",'
        '"Country/Region","Industry","Number of Employees"\n'
        '"9001","Acme","Sam Sales","2024-02-01 09:30","","Berlin","Germany","SOFTWARE","120"\n',
        [(1, 0, 0)],
        "account_id, name, owner, country, employees, strftime(created_at, '%Y-%m-%d %H:%M')",
        [("9001", "Acme", "Sam Sales", "Germany", 120, "2024-02-01 09:30")],
    ),
    Sample(
        "hubspot-contacts", "hubspot-crm-exports.csv",
        '"Record ID","First Name","Last Name","Email","Lifecycle Stage","Original Source",'
        '"Create Date","Became a Marketing Qualified Lead Date","Became a Customer Date"\n'
        '"8001","Priya","Example","p@acme.test","Customer","Organic Search","2024-01-01 09:00",'
        '"2024-01-05 09:00","2024-02-01 09:00"\n',
        [(1, 0, 0)],
        "lead_id, channel, strftime(qualified_at, '%Y-%m-%d'), strftime(won_at, '%Y-%m-%d')",
        [("8001", "Organic Search", "2024-01-05", "2024-02-01")],
    ),
    Sample(
        # Open deals have a close date too: it is when they are expected to close.
        "hubspot-deals", "hubspot-crm-exports.csv",
        '"Record ID","Deal Name","Deal Stage","Close Date","Create Date","Amount",'
        '"Is Closed Won","Is closed lost","Closed Lost Reason"\n'
        '"7001","Acme","Closed Won","2024-02-01 09:00","2024-01-01 09:00","100","true","false",""\n'
        '"7002","Bolt","Closed Lost","2024-03-01 09:00","2024-01-01 09:00","100","false","true",'
        '"price"\n'
        '"7003","Core","Proposal","2024-12-01 09:00","2024-01-01 09:00","100","false","false",""\n',
        [(3, 0, 0)],
        "lead_id, strftime(won_at, '%Y-%m-%d'), strftime(lost_at, '%Y-%m-%d'), lost_reason",
        [
            ("7001", "2024-02-01", None, None), ("7002", None, "2024-03-01", "price"),
            ("7003", None, None, None),
        ],
    ),
    Sample(
        "pipedrive-deals", "deals-1.csv",
        "Deal - ID,Deal - Title,Deal - Value,Deal - Organization,Deal - Deal created,Deal - Stage,"
        "Deal - Status,Deal - Won time,Deal - Lost time,Deal - Lost reason\n"
        "1,Acme deal,100,Acme,2024-01-01 09:00:00,Demo,Won,2024-02-01 09:00:00,,\n"
        "2,Bolt deal,100,Bolt,2024-01-02 09:00:00,Demo,Lost,,2024-03-01 09:00:00,price\n",
        [(2, 0, 0)],
        "lead_id, strftime(won_at, '%Y-%m-%d'), strftime(lost_at, '%Y-%m-%d'), lost_reason",
        [("1", "2024-02-01", None, None), ("2", None, "2024-03-01", "price")],
    ),
    Sample(
        "salesforce-accounts", "Account.csv",
        '"Id","Name","Industry","BillingCountry","NumberOfEmployees","CreatedDate"\n'
        '"001A","Acme","Software","Germany","120","2024-02-01T09:30:00.000Z"\n',
        [(1, 0, 0)],
        "account_id, name, industry, country, employees",
        [("001A", "Acme", "Software", "Germany", 120)],
    ),
    Sample(
        "salesforce-opportunities", "Opportunity.csv",
        '"Id","AccountId","Name","StageName","IsClosed","IsWon","CloseDate","CreatedDate",'
        '"LeadSource"\n'
        '"006A","001A","Acme","Closed Won","true","true","2024-02-01","2024-01-01T09:00:00.000Z",'
        '"Web"\n'
        '"006B","001B","Bolt","Closed Lost","true","false","2024-03-01",'
        '"2024-01-01T09:00:00.000Z","Web"\n'
        '"006C","001C","Core","Prospecting","false","false","2024-12-01",'
        '"2024-01-01T09:00:00.000Z","Web"\n',
        [(3, 0, 0)],
        "lead_id, strftime(won_at, '%Y-%m-%d'), strftime(lost_at, '%Y-%m-%d')",
        [("006A", "2024-02-01", None), ("006B", None, "2024-03-01"), ("006C", None, None)],
        before={"accounts.csv": "account_id\n001A\n001B\n001C\n"},
    ),
    Sample(
        "zendesk-tickets", "export.csv",
        "Id,Requester,Requester id,Subject,Status,Priority,Via,Ticket type,Created at,Updated at,"
        "Organization,Solved at,Satisfaction Score,Reopens,Replies\n"
        "1,Ann,77,Help,Solved,High,Mail,Problem,2024-01-01 09:00,2024-01-02 09:00,Acme,"
        "2024-01-02 10:00,Good,0,3\n"
        "2,Bob,78,Hi,Open,Low,Chat,Question,2024-01-03 09:00,2024-01-03 09:00,Nobody,,,0,0\n",
        [(1, 0, 1)],
        "ticket_id, account_id, user_id, agent_contacts, channel, strftime(solved_at, '%Y-%m-%d')",
        [("1", "a1", "77", 3, "Mail", "2024-01-02")],
        before=ACCOUNTS,
    ),
    Sample(
        "intercom-conversations", "conversations.csv",
        "Conversation ID,Conversation started at,Conversation first replied at,First closed at,"
        "Channel,Company name\n"
        "501,2024-01-01 09:00:00,2024-01-01 09:05:00,2024-01-02 09:00:00,Messenger,Bolt\n",
        [(1, 0, 0)],
        "ticket_id, account_id, channel, strftime(first_response_at, '%H:%M')",
        [("501", "a2", "Messenger", "09:05")],
        before=ACCOUNTS,
    ),
    Sample(
        "freshdesk-tickets", "tickets.csv",
        "Ticket ID,Subject,Status,Priority,Source,Type,Agent,Group,Created time,Due by Time,"
        "Resolved time,Closed time,Initial response time,First response time (in hrs),"
        "Agent interactions,Customer interactions,Contact ID,Company Name\n"
        "9,Help,Closed,Low,Email,Bug,Sam,Support,2024-01-01 09:00:00,2024-01-02 09:00:00,"
        "2024-01-01 12:00:00,2024-01-01 12:00:00,2024-01-01 09:30:00,00:30:00,2,1,55,Acme\n",
        [(1, 0, 0)],
        "ticket_id, account_id, user_id, agent_contacts, topic, strftime(solved_at, '%H:%M')",
        [("9", "a1", "55", 2, "Bug", "12:00")],
        before=ACCOUNTS,
    ),
    Sample(
        "delighted-responses", "delighted.json",
        '[{"id": "1", "person": "10", "survey_type": "nps", "score": 9, "comment": "Good", '
        '"permalink": "https://example.test/r/1", "created_at": 1704067200, '
        '"person_properties": {"account_id": "a1"}}]',
        [(1, 0, 0)],
        "answer_id, account_id, user_id, kind, CAST(score AS INTEGER), "
        "strftime(answered_at, '%Y-%m-%d')",
        [("1", "a1", "10", "nps", 9, "2024-01-01")],
        before=ACCOUNTS,
    ),
    Sample(
        "retently-feedback", "retently.json",
        '[{"id": "r1", "customerId": "c1", "email": "ann@acme.example", "companyName": "Acme", '
        '"campaignName": "Spring", "createdDate": "2024-01-01T09:00:00.512Z", "score": 9, '
        '"comment": "Good", "metricsType": "nps"}, {"id": "r2", "email": "x@y.example", '
        '"companyName": "Acme", "campaignName": "Help", "createdDate": '
        '"2024-01-02T09:00:00.000Z", "score": 4, "comment": "", "metricsType": "star"}]',
        [(2, 0, 0)],
        "answer_id, account_id, user_id, survey, kind, CAST(score AS INTEGER), "
        "strftime(answered_at, '%Y-%m-%d')",
        [("r1", "a1", "c1", "Spring", "nps", 9, "2024-01-01"),
         ("r2", "a1", None, "Help", "csat", 4, "2024-01-02")],
        before=ACCOUNTS,
    ),
    Sample(
        "typeform-nps", "responses.csv",
        "#,How likely are you to recommend us to a friend or colleague?,account_id,"
        "Response Type,Start Date (UTC),Submit Date (UTC),Network ID\n"
        "abc,10,a1,completed,2024-01-01 09:00:00,2024-01-01 09:01:00,n1\n",
        [(1, 0, 0)],
        "answer_id, account_id, kind, CAST(score AS INTEGER), strftime(answered_at, '%H:%M')",
        [("abc", "a1", "nps", 10, "09:01")],
        before=ACCOUNTS,
    ),
    Sample(
        "ga4-reach", "traffic.csv",
        "Date,Session default channel group,Sessions,Engaged sessions\n"
        "20240101,Organic Search,120,80\n20240101,Direct,30,10\n",
        [(2, 0, 0)],
        "strftime(day, '%Y-%m-%d'), channel, kind, count",
        [("2024-01-01", "Direct", "visits", 30), ("2024-01-01", "Organic Search", "visits", 120)],
    ),
    Sample(
        "posthog-events", "posthog.ndjson",
        '{"uuid": "e1", "event": "signed_up", "distinct_id": "u1", "timestamp": '
        '"2024-01-01T09:00:00Z", "created_at": "2024-01-01T09:00:01Z", '
        '"properties": {"$group_0": "a1", "plan": "Pro"}}\n',
        [(1, 0, 0)],
        "event_id, account_id, user_id, event, strftime(occurred_at, '%H:%M'), "
        "json_extract_string(properties, '$.plan')",
        [("e1", "a1", "u1", "signed_up", "09:00", "Pro")],
        before=ACCOUNTS,
    ),
    Sample(
        "amplitude-events", "amplitude.ndjson",
        '{"uuid": "e1", "event_type": "signed_up", "user_id": "u1", "event_time": '
        '"2024-01-01 09:00:00.123000", "server_upload_time": "2024-01-01 09:00:02.000000", '
        '"event_properties": {"plan": "Pro"}, "groups": {"account_id": ["a1"]}}\n',
        [(1, 0, 0)],
        "event_id, account_id, user_id, event, strftime(occurred_at, '%H:%M'), "
        "json_extract_string(properties, '$.plan')",
        [("e1", "a1", "u1", "signed_up", "09:00", "Pro")],
        before=ACCOUNTS,
    ),
    Sample(
        "mixpanel-events", "mixpanel.ndjson",
        '{"event": "Signed up", "properties": {"time": 1704099600, "distinct_id": "u1", '
        '"$insert_id": "i1", "account_id": "a1", "plan": "Pro"}}\n',
        [(1, 0, 0)],
        "event_id, account_id, user_id, event, strftime(occurred_at, '%Y-%m-%d %H:%M')",
        [("i1", "a1", "u1", "Signed up", "2024-01-01 09:00")],
        before=ACCOUNTS,
    ),
]
