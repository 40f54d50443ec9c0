"""Catalogues of other systems in and out: national item model, CPSV-AP, Open311 service lists."""
