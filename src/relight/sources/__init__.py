"""Where data comes from: files that people saved, gateways, the simulator."""
