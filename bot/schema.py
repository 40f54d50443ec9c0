"""All tables of the product together, as the migrations make them."""

from __future__ import annotations

from bot.cases import tables as case_tables
from bot.channels import tables as channel_tables
from bot.desk import tables as desk_tables
from bot.phone import tables as phone_tables
from bot.staff import tables as staff_tables
from bot.tables import metadata

PARTS = (case_tables, channel_tables, desk_tables, phone_tables, staff_tables)

__all__ = ["PARTS", "metadata"]
