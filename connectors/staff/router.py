"""All doors of the staff under /staff."""

from __future__ import annotations

from fastapi import APIRouter

from connectors.staff import accounts_api, cases_api, evidence_api

router = APIRouter(prefix="/staff")
for part in (accounts_api, cases_api, evidence_api):
    router.include_router(part.router)
