"""A simulated fleet of solar systems, for demonstrations and tests.

`fleet` says which systems there are, `days` what they did on a site-local day, `reports` and
`feed` tell it to a server as gateways would. The physics (`sky`, `panels`, `household`) need the
extra `demo`; importing anything else here loads neither numpy nor pvlib.
"""
