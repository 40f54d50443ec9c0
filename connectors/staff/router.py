"""All doors of the staff under /staff."""

from __future__ import annotations

from fastapi import APIRouter

from connectors.staff import accounts_api, alerts_api, calls_api, cases_api, dispatch_api, evidence_api, merging_api

PREFIX = "/staff"
PARTS = (accounts_api, cases_api, dispatch_api, evidence_api, merging_api, alerts_api, calls_api)
router = APIRouter(prefix=PREFIX)
for part in PARTS:
    router.include_router(part.router)
