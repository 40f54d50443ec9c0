"""`chengda rehearse`: the stand-in for live sources as a server."""

from __future__ import annotations

from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from connectors.live.rehearsal import Fault, Rehearsal, create_rehearsal

console = Console(stderr=True)


def rehearse(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8312,
    fault: Annotated[Fault, typer.Option(help="How every answer goes wrong.")] = Fault.NONE,
) -> None:
    """Serve invented weather and traffic in the formats of AMap and Open-Meteo, to try live answers without a key."""
    where = f"http://127.0.0.1:{port}"
    console.print(f"invented values 虚构数据  CHENGDA_AMAP_URL={where} CHENGDA_OPEN_METEO_URL={where}")
    uvicorn.run(create_rehearsal(Rehearsal(fault)), host="127.0.0.1", port=port, log_level="warning")
