"""The tables of a service that has none of its own: the kit's."""

from laurel_kit.schema import kit_tables
from sqlalchemy import MetaData

METADATA = MetaData()
kit_tables(METADATA)
