"""The `shop` example's work in eager polars: the baseline the example is measured against.

    pip install polars
    python polars_eager.py DATA_DIR OUT_DIR [--times]

DATA_DIR holds the seven input files that the example makes; the ten reports go to OUT_DIR.
"""

import json
import os
import sys
import time
from pathlib import Path

# Polars' allocator keeps the memory it has freed, in huge pages: less time, more memory.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:-1,muzzy_decay_ms:-1,thp:always")

import polars as pl

I32, I64, U32, TEXT = pl.Int32, pl.Int64, pl.UInt32, pl.String
CENTS = pl.Decimal(15, 2)  # its physical value is the number of cents
TIMESTAMP = "%Y-%m-%dT%H:%M:%SZ"
SESSION_GAP_MS = 1_800_000
LATE_MS = 432_000_000

# Every Enum lists its names in byte order, so that its codes sort as its names do.
REGION = pl.Enum(["APAC", "EU", "LATAM", "NA", "OTHER"])
TIER = pl.Enum(["enterprise", "free", "pro"])
CURRENCY = pl.Enum(["CAD", "EUR", "GBP", "PLN", "SEK", "USD"])
KIND = pl.Enum(["bot", "buy", "cart", "view"])
STATUS = pl.Enum(["cancelled", "delivered", "paid", "placed", "refunded", "shipped"])
REVENUE = ["delivered", "paid", "shipped"]
CURRENCIES = len(CURRENCY.categories)
REGIONS = len(REGION.categories)
TIERS = len(TIER.categories)
REGION_OF_COUNTRY = {
    country: region
    for region, countries in {
        "NA": "US CA MX",
        "EU": "DE FR GB IT ES NL SE PL",
        "APAC": "JP IN AU SG KR",
        "LATAM": "BR AR CL",
    }.items()
    for country in countries.split()
}


def codes(name):
    """A text column as small codes, in a code space of its own."""
    return pl.Categorical(pl.Categories(f"shop {name}", physical=pl.UInt32))


def code(name):
    return pl.col(name).to_physical()


def cents(name):
    return pl.col(name).to_physical().cast(I64)


def month(name):
    """Months since year 0."""
    return pl.col(name).dt.year() * 12 + pl.col(name).dt.month().cast(I32) - 1


def month_text(name):
    year, of_year = pl.col(name) // 12, pl.col(name) % 12 + 1
    return pl.format("{}-{}", year.cast(TEXT).str.zfill(4), of_year.cast(TEXT).str.zfill(2))


def row_of(ids, table_ids):
    """The row of each of `ids` in the table of these unique ids; null where there is none."""
    if len(table_ids) == 0:
        return pl.repeat(None, len(ids), dtype=U32, eager=True)
    top = table_ids.max()
    if table_ids.min() < 0 or top > 16 * len(table_ids) + 65_536:  # sparse: hash
        table = table_ids.to_frame("id").with_row_index("row")
        return ids.to_frame("id").join(table, on="id", how="left", maintain_order="left")["row"]
    rows = pl.repeat(None, top + 2, dtype=U32, eager=True)
    rows.scatter(table_ids, pl.int_range(len(table_ids), dtype=U32, eager=True))
    known = pl.col("id").is_between(0, top)
    return ids.to_frame("id").select(
        pl.lit(rows).gather(pl.when(known).then(pl.col("id")).otherwise(top + 1).cast(U32))
    ).to_series()


def changes(series):
    """Where the value differs from the one before."""
    return (series != series.shift(1)).fill_null(True)


def load_users(data, quality):
    raw = pl.read_csv(
        data / "users.csv",
        schema={"user_id": I32, "email": TEXT, "country": TEXT, "signup_date": TEXT, "tier": TEXT},
    )
    kept = raw.filter(pl.col("email").str.contains("@", literal=True).fill_null(False))
    quality["users", "rows_in"] = raw.height
    quality["users", "bad_email"] = raw.height - kept.height
    return kept.with_columns(signup_date=pl.col("signup_date").str.to_date("%Y-%m-%d")).select(
        "user_id",
        domain=pl.col("email").str.strip_chars(" ").str.replace("^.*@", "").str.to_lowercase().cast(codes("domain")),
        region=pl.col("country").str.strip_chars(" ").str.to_uppercase()
        .replace_strict(REGION_OF_COUNTRY, default="OTHER", return_dtype=REGION).fill_null("OTHER"),
        signup_month=month("signup_date"),
        tier=pl.col("tier").cast(TIER, strict=False).fill_null("free"),
    )


def load_products(data, quality):
    raw = pl.read_csv(
        data / "products.csv",
        schema={"product_id": I32, "name": TEXT, "category": TEXT, "price": TEXT, "cost": CENTS, "currency": CURRENCY},
    )
    kept = raw.filter(pl.col("price").is_not_null())
    quality["products", "rows_in"] = raw.height
    quality["products", "no_price"] = raw.height - kept.height
    return kept.select("product_id", "name", "category", "currency", cost=cents("cost"))


def load_fx(data):
    """The rates of every day from the first in the file on: (that day, rate by day and currency)."""
    raw = pl.read_csv(
        data / "fx.csv", schema={"day": pl.Date, "currency": CURRENCY, "rate": pl.Decimal(15, 6)}
    ).select(day=pl.col("day").to_physical(), currency=code("currency").cast(I32), rate=cents("rate"))
    first, last = raw["day"].min(), raw["day"].max()
    every = pl.int_range((last - first + 1) * CURRENCIES, dtype=I32, eager=True).to_frame("slot")
    raw = raw.select("rate", slot=(pl.col("day") - first) * CURRENCIES + pl.col("currency"))
    rates = every.join(raw, on="slot", how="left", maintain_order="left").select(
        pl.col("rate").forward_fill().over(pl.col("slot") % CURRENCIES)
    )["rate"]
    return first, rates


def load_orders(data, quality):
    raw = pl.read_csv(
        data / "orders.csv",
        schema={
            "order_id": I64, "user_id": I32, "product_id": I32, "qty": I32, "unit_price": CENTS,
            "discount_bp": I32, "status": TEXT, "channel": TEXT, "ordered_at": TEXT,
        },
    )
    tests = {
        "no_user": pl.col("user_id").is_not_null(),
        "bad_qty": pl.col("qty") >= 1,
        "no_price": pl.col("unit_price").is_not_null(),
        "bad_time": pl.col("ordered_at") != "n/a",
        "bad_status": pl.col("status").is_in(list(STATUS.categories)),
    }
    passed = raw.select(
        pl.all_horizontal(list(tests.values())[: n + 1]).fill_null(False).alias(reason)
        for n, reason in enumerate(tests)
    )
    left = raw.height
    quality["orders", "rows_in"] = left
    for reason in tests:
        now = passed[reason].sum()
        quality["orders", reason] = left - now
        left = now
    valid = raw.filter(passed["bad_status"]).select(
        "order_id", "user_id", "product_id", "qty", "discount_bp",
        unit_price=pl.col("unit_price").to_physical().cast(I64),
        status=pl.col("status").cast(STATUS),
        channel=pl.col("channel").cast(codes("channel")),
        ordered_at=pl.col("ordered_at").str.to_datetime(TIMESTAMP, time_unit="ms", cache=False),
    )
    # A stable sort brings the rows of an order together, the last of them last.
    orders = valid.sort("order_id", maintain_order=True)
    orders = orders.filter((pl.col("order_id") != pl.col("order_id").shift(-1)).fill_null(True))
    quality["orders", "superseded"] = left - orders.height
    return orders.with_columns(pl.col("order_id").set_sorted())


def load_shipments(data, quality):
    raw = pl.read_csv(
        data / "shipments.csv",
        schema={
            "shipment_id": TEXT, "order_id": I64, "carrier": TEXT, "warehouse": TEXT,
            "shipped_at": TEXT, "delivered_at": TEXT, "cost_cents": I32,
        },
        columns=["order_id", "carrier", "warehouse", "shipped_at", "delivered_at", "cost_cents"],
    )
    kept = raw.with_columns(
        pl.col("shipped_at", "delivered_at").str.to_datetime(TIMESTAMP, time_unit="ms", cache=False).to_physical(),
        pl.col("carrier").cast(codes("carrier")),
        pl.col("warehouse").cast(codes("warehouse")),
    ).filter((pl.col("delivered_at") >= pl.col("shipped_at")).fill_null(True))
    quality["shipments", "rows_in"] = raw.height
    quality["shipments", "time_reversed"] = raw.height - kept.height
    return kept.sort("order_id")


def load_events(data, quality):
    raw = pl.read_csv(
        data / "events.csv",
        schema={"ts_ms": I64, "user_id": I32, "product_id": I32, "kind": KIND, "device": codes("device")},
    )
    known = pl.col("user_id").is_not_null()
    kept = raw.filter(known & (pl.col("kind") != "bot"))
    anonymous = raw["user_id"].null_count()
    quality["events", "rows_in"] = raw.height
    quality["events", "anonymous"] = anonymous
    quality["events", "bot"] = raw.height - anonymous - kept.height
    return kept


def load_reviews(data, quality):
    """Per product: its reviews, the sum of their stars, the sum of their characters."""
    raw = pl.read_ndjson(
        data / "reviews.jsonl",
        schema={"review_id": I64, "product_id": I32, "user_id": I32, "stars": I32, "text": TEXT},
    )
    good = raw.filter(pl.col("stars").is_between(1, 5)).select(
        "review_id", "product_id", "stars",
        pair=pl.col("product_id").cast(I64) * 2**32 + pl.col("user_id"),
        chars=pl.col("text").str.len_chars(),
    )
    kept = good.sort("pair", "review_id").filter((pl.col("pair") != pl.col("pair").shift(-1)).fill_null(True))
    quality["reviews", "rows_in"] = raw.height
    quality["reviews", "bad_stars"] = raw.height - good.height
    quality["reviews", "superseded"] = good.height - kept.height
    return kept.group_by("product_id").agg(
        reviews=pl.len().cast(I64), stars=pl.col("stars").cast(I64).sum(), text_chars=pl.col("chars").cast(I64).sum()
    )


def make_sales(orders, users, products, fx, quality):
    """One row per sale: the rows of its user and product, the day counted from the first of `fx`, amounts in USD."""
    first_day, rates = fx
    revenue = orders.filter(pl.col("status").is_in(REVENUE)).drop("status", "order_id")
    revenue = revenue.with_columns(
        row_of(revenue["product_id"], products["product_id"]).alias("product"),
        row_of(revenue["user_id"], users["user_id"]).alias("user"),
    )
    known_product = revenue.filter(pl.col("product").is_not_null())
    known = known_product.filter(pl.col("user").is_not_null())
    quality["sales", "not_revenue"] = orders.height - revenue.height
    quality["sales", "unknown_product"] = revenue.height - known_product.height
    quality["sales", "unknown_user"] = known_product.height - known.height
    quality["sales", "rows_out"] = known.height

    days = known.select(day=(pl.col("ordered_at").to_physical() // 86_400_000 - first_day).cast(I32))["day"]
    missing = (days.max() or 0) + 1 - len(rates) // CURRENCIES
    if missing > 0:  # the last rates hold on
        rates = pl.concat([rates] + [rates.tail(CURRENCIES)] * missing)

    def usd(amount):
        return (amount * pl.col("rate") + 500_000) // 1_000_000

    priced = known.select(
        "user", "product", "channel", days,
        qty=pl.col("qty").cast(I64),
        gross_local=pl.col("qty") * pl.col("unit_price"),
        discount_bp=pl.col("discount_bp").cast(I64),
        cost_local=pl.col("qty") * pl.lit(products["cost"]).gather(pl.col("product")),
        rate=pl.lit(rates).gather(
            (days * CURRENCIES + products["currency"].to_physical().cast(I32).gather(known["product"])).cast(U32)
        ),
        region=pl.lit(users["region"].to_physical()).gather(pl.col("user")).cast(I32),
        tier=pl.lit(users["tier"].to_physical()).gather(pl.col("user")).cast(I32),
        domain=pl.lit(users["domain"].to_physical()).gather(pl.col("user")),
        signup_month=pl.lit(users["signup_month"]).gather(pl.col("user")),
    )
    net_local = pl.col("gross_local") - (pl.col("gross_local") * pl.col("discount_bp") + 5_000) // 10_000
    return priced.select(
        "user", "product", "channel", "day", "qty", "region", "tier", "domain", "signup_month",
        gross=usd(pl.col("gross_local")), net=usd(net_local), cost=usd(pl.col("cost_local")),
    )


def sales_reports(sales, users, first_day, out, quality):
    """Four reports; the figures for the summary are returned."""
    channels = sales["channel"].to_physical().max() or 0
    channels += 1
    # The finest table that both daily_region and tier_channel are sums of.
    fine = (
        sales.select(
            "qty", "gross", "net",
            key=((pl.col("day") * REGIONS + pl.col("region")) * TIERS + pl.col("tier")).cast(I64) * channels
            + code("channel"),
        )
        .group_by("key")
        .agg(orders=pl.len().cast(I64), units=pl.col("qty").sum(), gross=pl.col("gross").sum(), net=pl.col("net").sum())
        .with_columns(
            day_region=pl.col("key") // (TIERS * channels),
            tier=(pl.col("key") // channels % TIERS).cast(pl.UInt8),
            channel=(pl.col("key") % channels).cast(U32),
        )
    )

    # Distinct users: one sort of (user, day) serves the days, the months, the domains and the whole.
    span = (sales["day"].max() or 0) + 1
    calendar = pl.select(day=pl.int_range(span, dtype=I32)).select(
        "day", date=(pl.col("day") + first_day).cast(pl.Date)
    ).select("day", "date", month=month("date"))
    pairs = sales.select(pl.col("user").cast(I64) * span + pl.col("day"))["user"].sort()
    pairs = pairs.filter(changes(pairs)).to_frame("pair").select(
        user=(pl.col("pair") // span).cast(U32), day=(pl.col("pair") % span).cast(I32)
    )
    visits = pairs.select(
        "user",
        day_region=pl.col("day").cast(I64) * REGIONS
        + pl.lit(users["region"].to_physical().cast(I64)).gather(pl.col("user")),
        month=pl.lit(calendar["month"]).gather(pl.col("day").cast(U32)),
    )
    user_changes = changes(visits["user"])
    buyers = visits["user"].filter(user_changes)
    user_months = visits.filter(user_changes | changes(visits["month"])).select(
        "month", signup_month=pl.lit(users["signup_month"]).gather(pl.col("user"))
    )

    customers = visits.group_by("day_region").agg(customers=pl.len())
    (
        fine.group_by("day_region")
        .agg(pl.col("orders", "units", "gross", "net").sum())
        .join(customers, on="day_region", how="left")
        .sort("day_region")
        .select(
            day=(pl.col("day_region") // REGIONS + first_day).cast(I32).cast(pl.Date),
            region=(pl.col("day_region") % REGIONS).cast(pl.UInt8).cat.to(REGION),
            orders="orders", units="units", gross_usd_cents="gross", net_usd_cents="net", customers="customers",
        )
        .write_csv(out / "daily_region.csv", quote_style="never")
    )

    channel_names = sales["channel"].dtype
    (
        fine.group_by("tier", "channel")
        .agg(pl.col("orders", "units", "net").sum())
        .select(
            tier=pl.col("tier").cat.to(TIER).cast(TEXT), channel=pl.col("channel").cat.to(channel_names).cast(TEXT),
            orders="orders", units="units", net_usd_cents="net",
        )
        .sort("tier", "channel")
        .write_csv(out / "tier_channel.csv", quote_style="never")
    )

    domain_users = buyers.to_frame("user").select(
        domain=pl.lit(users["domain"].to_physical()).gather(pl.col("user"))
    ).group_by("domain").agg(users=pl.len())
    (
        sales.group_by("domain").agg(orders=pl.len(), net_usd_cents=pl.col("net").sum())
        .join(domain_users, on="domain", how="left")
        .select(
            pl.col("domain").cat.to(users["domain"].dtype).cast(TEXT), "users", "orders", "net_usd_cents"
        )
        .sort("net_usd_cents", "domain", descending=[True, False])
        .head(25)
        .write_csv(out / "domains.csv", quote_style="never")
    )

    cohort_users = (
        user_months.filter(pl.col("month") >= pl.col("signup_month"))
        .group_by("signup_month", "month").agg(users=pl.len())
    )
    cohorts = (
        sales.select("net", "signup_month", month=pl.lit(calendar["month"]).gather(pl.col("day").cast(U32)))
        .select("net", key=pl.col("signup_month").cast(I64) * 2**24 + pl.col("month"))
        .group_by("key").agg(orders=pl.len(), net_usd_cents=pl.col("net").sum())
        .select(
            "orders", "net_usd_cents",
            signup_month=(pl.col("key") // 2**24).cast(I32), month=(pl.col("key") % 2**24).cast(I32),
        )
    )
    before = pl.col("month") < pl.col("signup_month")
    quality["cohorts", "before_signup"] = cohorts.filter(before)["orders"].sum()
    (
        cohorts.filter(~before)
        .join(cohort_users, on=["signup_month", "month"], how="left")
        .sort("signup_month", "month")
        .select(
            month_text("signup_month").alias("signup_month"),
            (pl.col("month") - pl.col("signup_month")).alias("month_offset"),
            "users", "orders", "net_usd_cents",
        )
        .write_csv(out / "cohorts.csv", quote_style="never")
    )
    return {
        "orders": sales.height,
        "units": fine["units"].sum(),
        "gross_usd_cents": fine["gross"].sum(),
        "net_usd_cents": fine["net"].sum(),
        "customers": len(buyers),
    }


def count_kinds(events):
    """Per product: its views, carts, buys."""
    counts = events.select(key=pl.col("product_id").cast(I64) * 4 + code("kind")).group_by("key").agg(n=pl.len().cast(I64))
    product = counts.select("n", product_id=(pl.col("key") // 4).cast(I32), kind=pl.col("key") % 4)

    def of(kind):
        return pl.col("n").filter(pl.col("kind") == list(KIND.categories).index(kind)).sum()

    return product.group_by("product_id").agg(views=of("view"), carts=of("cart"), buys=of("buy"))


def product_reports(products, sales, kinds, reviews, out):
    sold = sales.group_by("product").agg(
        units=pl.col("qty").sum(), net_usd_cents=pl.col("net").sum(), cost=pl.col("cost").sum()
    )
    views, n = pl.col("views"), pl.col("reviews")
    stats = (
        products.with_row_index("product")
        .join(sold, on="product", how="left")
        .join(kinds, on="product_id", how="left")
        .join(reviews, on="product_id", how="left")
        .with_columns(
            pl.col("units", "net_usd_cents", "cost_right", "views", "carts", "buys", "reviews", "stars", "text_chars")
            .fill_null(0)
        )
        .sort("product_id")
        .select(
            "product_id", "category", "units", "net_usd_cents",
            (pl.col("net_usd_cents") - pl.col("cost_right")).alias("margin_usd_cents"),
            "views", "carts", "buys",
            pl.when(views > 0).then((20_000 * pl.col("buys") + views) // (2 * views)).otherwise(0).alias("view_to_buy_bp"),
            "reviews",
            pl.when(n > 0).then((200 * pl.col("stars") + n) // (2 * n)).otherwise(0).alias("stars_x100"),
            "text_chars", "name",
        )
    )
    stats.drop("name").write_csv(out / "product_stats.csv", quote_style="never")

    top = {category: [] for category in stats["category"].unique().sort()}
    best = (
        stats.filter(pl.col("net_usd_cents") > 0)
        .sort("net_usd_cents", "product_id", descending=[True, False])
        .group_by("category", maintain_order=True).head(10)
    )
    for row in best.select("category", "product_id", "name", "units", "net_usd_cents").iter_rows(named=True):
        top[row.pop("category")].append(row)
    write_json(out / "top_products.json", top)
    return stats["margin_usd_cents"].sum()


def fulfilment_report(shipments, orders, out, quality):
    # Both are sorted by order_id, which makes this a merge.
    ordered = orders.select("order_id", ordered_at=pl.col("ordered_at").to_physical())
    joined = shipments.join(ordered, on="order_id", how="inner")
    quality["shipments", "orphan"] = shipments.height - joined.height
    warehouses = (shipments["warehouse"].to_physical().max() or 0) + 1
    rows = joined.select(
        "cost_cents",
        lane=code("carrier").cast(I64) * warehouses + code("warehouse"),
        took=(pl.col("delivered_at") - pl.col("shipped_at")) // 1_000,
        late=(pl.col("delivered_at") - pl.col("ordered_at") > LATE_MS).fill_null(False),
    )
    lanes = (
        rows.group_by("lane")
        .agg(
            shipments=pl.len(), delivered=pl.col("took").count().cast(I64), late=pl.col("late").sum(),
            cost_cents=pl.col("cost_cents").cast(I64).sum(),
        )
        .sort("lane")
        .with_columns(start=pl.col("delivered").cum_sum() - pl.col("delivered"))
    )
    # The times of all lanes in one ascending list, a lane after the other.
    span = (rows["took"].max() or 0) + 1
    times = rows.filter(pl.col("took").is_not_null()).select(key=pl.col("lane") * span + pl.col("took"))["key"].sort()

    def percentile(p):
        n = pl.col("delivered")
        at = pl.when(n > 0).then(pl.col("start") + (p * n + 99) // 100 - 1)
        return pl.lit(times).gather(at.cast(U32)) % span

    lanes.select(
        carrier=(pl.col("lane") // warehouses).cast(U32).cat.to(shipments["carrier"].dtype).cast(TEXT),
        warehouse=(pl.col("lane") % warehouses).cast(U32).cat.to(shipments["warehouse"].dtype).cast(TEXT),
        shipments="shipments", delivered="delivered", late="late",
        p50_s=percentile(50), p95_s=percentile(95), cost_cents="cost_cents",
    ).sort("carrier", "warehouse").write_csv(out / "carrier_sla.csv", quote_style="never")
    return {"delivered": lanes["delivered"].sum(), "late": lanes["late"].sum()}


def by_user_and_time(events):
    """The step of `at` from one user to the next, and (`at`, kind, device) of the events by user and time.

    `at` joins user and time in one number, such that the gap between two users is longer than a session's.
    """
    start = events["ts_ms"].min() or 0
    span = (events["ts_ms"].max() or 0) - start + SESSION_GAP_MS + 1
    devices = (events["device"].to_physical().max() or 0) + 1
    at = pl.col("user_id").cast(I64) * span + (pl.col("ts_ms") - start)
    if ((events["user_id"].max() or 0) + 1) * span * 4 * devices >= 2**63 or (events["user_id"].min() or 0) < 0:
        ordered = events.sort("user_id", "ts_ms", maintain_order=True)
        return span, ordered.select(at=at, kind=code("kind"), device=code("device"))

    # Kind and device ride in the low digits of the key: sorting the key sorts the rows.
    digits = code("device").cast(I64) * 4 + code("kind")
    keys = events.select(key=at * (4 * devices) + digits)["key"].sort().to_frame()
    ordered = keys.select(
        at=pl.col("key") // (4 * devices),
        kind=(pl.col("key") % 4).cast(pl.UInt8),
        device=(pl.col("key") // 4 % devices).cast(U32),
    )
    # Equal (user, time) were sorted by device, and should be in row order. Only the first can matter, and only if
    # they differ in device: give those the device of the first in row order.
    tied = ordered.filter((pl.col("at") == pl.col("at").shift(1)) & (pl.col("device") != pl.col("device").shift(1)))
    if tied.height > 0:
        tied_at = tied["at"].unique()
        first = (
            events.lazy().select(at=at, first=code("device")).filter(pl.col("at").is_in(tied_at.implode()))
            .group_by("at").agg(pl.col("first").first()).collect()
        )
        ordered = ordered.join(first, on="at", how="left", maintain_order="left").select(
            "at", "kind", device=pl.coalesce("first", "device")
        )
    return span, ordered


def funnel_report(events, users, out, quality):
    span, ordered = by_user_and_time(events)
    starts = (ordered["at"].diff() > SESSION_GAP_MS).fill_null(True)
    ends = starts.shift(-1, fill_value=True)

    # How many of a kind a session holds: what the running count at its end has over that at the end before.
    def running(kind):
        return (pl.col("kind") == list(KIND.categories).index(kind)).cast(U32).cum_sum()

    last = ordered.select("at", view=running("view"), cart=running("cart"), buy=running("buy")).filter(ends)
    first = ordered.select("at", "device").filter(starts)
    sessions = pl.DataFrame([
        first["at"].rename("first"), last["at"].rename("last"), first["device"], last["view"], last["cart"], last["buy"],
    ]).select(
        "device",
        (pl.col("view", "cart", "buy") != pl.col("view", "cart", "buy").shift(1, fill_value=0)),
        user_id=(pl.col("first") // span).cast(I32),
        dur=pl.col("last") - pl.col("first"),
    )
    user = row_of(sessions["user_id"], users["user_id"])
    known = sessions.with_columns(user.alias("user")).filter(pl.col("user").is_not_null())
    quality["sessions", "unknown_user"] = sessions.height - known.height
    (
        known.with_columns(
            key=code("device").cast(I64) * REGIONS
            + pl.lit(users["region"].to_physical().cast(I64)).gather(pl.col("user"))
        )
        .group_by("key")
        .agg(
            sessions=pl.len(), with_view=pl.col("view").sum(), with_cart=pl.col("cart").sum(),
            with_buy=pl.col("buy").sum(), duration_s=pl.col("dur").sum() // 1_000,
        )
        .select(
            region=(pl.col("key") % REGIONS).cast(pl.UInt8).cat.to(REGION).cast(TEXT),
            device=(pl.col("key") // REGIONS).cast(U32).cat.to(events["device"].dtype).cast(TEXT),
            sessions="sessions", with_view="with_view", with_cart="with_cart", with_buy="with_buy",
            duration_s="duration_s",
        )
        .sort("region", "device")
        .write_csv(out / "funnel.csv", quote_style="never")
    )
    return sessions.height


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def write_quality(quality, out):
    pairs = sorted(quality.items(), key=lambda item: tuple(part.encode() for part in item[0]))
    lines = ["stage,reason,rows"] + [f"{stage},{reason},{rows}" for (stage, reason), rows in pairs]
    (out / "quality.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(data, out, times):
    out.mkdir(parents=True, exist_ok=True)
    quality = {}
    begin = time.perf_counter()

    def step(function, *arguments):
        started = time.perf_counter()
        result = function(*arguments)
        if times:
            now = time.perf_counter()
            print(f"{function.__name__:20} {started - begin:6.3f} .. {now - begin:6.3f}  {now - started:6.3f}", file=sys.stderr)
        return result

    users = step(load_users, data, quality)
    products = step(load_products, data, quality)
    fx = step(load_fx, data)
    orders = step(load_orders, data, quality)
    shipments = step(load_shipments, data, quality)
    service = step(fulfilment_report, shipments, orders, out, quality)
    del shipments
    sales = step(make_sales, orders, users, products, fx, quality)
    del orders
    totals = step(sales_reports, sales, users, fx[0], out, quality)
    reviews = step(load_reviews, data, quality)
    events = step(load_events, data, quality)
    kinds = step(count_kinds, events)
    margin = step(product_reports, products, sales, kinds, reviews, out)
    sessions = step(funnel_report, events, users, out, quality)
    write_quality(quality, out)
    summary = {
        **{name: totals[name] for name in ("orders", "units", "gross_usd_cents", "net_usd_cents")},
        "margin_usd_cents": margin, "customers": totals["customers"], "sessions": sessions, **service,
    }
    write_json(out / "summary.json", summary)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), "--times" in sys.argv)
