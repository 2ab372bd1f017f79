"""ChartMogul's interface under /chartmogul/v1: programs written for it send and ask here."""
