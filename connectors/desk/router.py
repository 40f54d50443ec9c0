"""All doors of talks under /desk/api."""

from __future__ import annotations

from fastapi import APIRouter

from connectors.desk import calls_api, drafts_api, stream_api, talks_api

PREFIX = "/desk/api"
PARTS = (talks_api, calls_api, drafts_api, stream_api)
router = APIRouter(prefix=PREFIX)
for part in PARTS:
    router.include_router(part.router)
