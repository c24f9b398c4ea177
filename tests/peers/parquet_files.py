"""Writes Parquet files with Apache Arrow into a folder, and beside each what Arrow reads in its first rows, as JSON.

Usage: parquet_files.py FOLDER KIND, where KIND is `all` (every codec, encoding and type), `wide`, or a size in MiB.
"""

import base64
import datetime as dt
import decimal
import json
import math
import os
import sys
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 300
SHOWN = 20
FOLDER = sys.argv[1]


def shown(value, kind):
    """A value as the preview shows it."""
    if value is None:
        return None
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [shown(item, kind.value_type) for item in value]
    if pa.types.is_map(kind):
        return {str(shown(k, kind.key_type)): shown(v, kind.item_type) for k, v in value}
    if pa.types.is_struct(kind):
        return {field.name: shown(value[field.name], field.type) for field in kind}
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        text = value.astimezone(dt.timezone.utc).replace(tzinfo=None) if value.tzinfo else value
        unit = "milliseconds" if kind.unit == "ms" else "microseconds"
        text = text.isoformat(timespec=unit if text.microsecond else "seconds")
        return text + ("Z" if kind.tz else "")
    if isinstance(value, dt.time):
        return value.isoformat(timespec="milliseconds" if kind.unit == "ms" else "microseconds")
    if isinstance(value, (dt.date, uuid.UUID)):
        return str(value)
    if isinstance(value, bytes):
        try:
            text = value.decode()
            if text.isprintable():
                return text
        except UnicodeDecodeError:
            pass
        return "base64:" + base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN"}.get(str(value), str(value))
    return value


def expected(path):
    table = pq.read_table(path).slice(0, SHOWN)
    columns = [[shown(value, column.type) for value in column.to_pylist()] for column in table.columns]
    return {"names": table.column_names, "rows": [list(row) for row in zip(*columns)], "total": pq.read_metadata(path).num_rows}


def write(name, table, **options):
    path = os.path.join(FOLDER, name + ".parquet")
    pq.write_table(table, path, **options)
    with open(os.path.join(FOLDER, name + ".json"), "w") as file:
        json.dump(expected(path), file, ensure_ascii=False)


def mixed():
    """Columns of the usual types, with nulls."""
    n = range(ROWS)
    hole = lambda i, value: None if i % 7 == 3 else value
    utc = dt.timezone.utc
    begin = dt.datetime(1969, 12, 31, 23, 59, 59, 999000)
    columns = {
        "id": pa.array(n, pa.int64()),
        "small": pa.array([hole(i, i % 100 - 50) for i in n], pa.int8()),
        "unsigned": pa.array([hole(i, 2**64 - 1 - i) for i in n], pa.uint64()),
        "unsigned32": pa.array([2**32 - 1 - i for i in n], pa.uint32()),
        "name": pa.array([hole(i, f"añ€😀 {i % 5}") for i in n]),
        "share": pa.array([hole(i, i / 3) for i in n], pa.float64()),
        "single": pa.array([i / 4 for i in n], pa.float32()),
        "half": pa.array([float(i) for i in n], pa.float16()),
        "flag": pa.array([hole(i, i % 2 == 0) for i in n]),
        "price": pa.array([hole(i, decimal.Decimal(i * 1001 - 5000).scaleb(-2)) for i in n], pa.decimal128(12, 2)),
        "long": pa.array([decimal.Decimal(10**37 + i).scaleb(-10) for i in n], pa.decimal128(38, 10)),
        "huge": pa.array([decimal.Decimal(-(10**70) - i).scaleb(-3) for i in n], pa.decimal256(76, 3)),
        "day": pa.array([dt.date(1969, 12, 25) + dt.timedelta(days=i) for i in n]),
        "at": pa.array([hole(i, (begin + dt.timedelta(milliseconds=i)).replace(tzinfo=utc)) for i in n], pa.timestamp("ms", "UTC")),
        "local": pa.array([begin + dt.timedelta(microseconds=i) for i in n], pa.timestamp("us")),
        "time": pa.array([dt.time(i % 24, 1, 2, 3000) for i in n], pa.time64("us")),
        "bytes": pa.array([hole(i, bytes([i % 256, 0, 255])) for i in n]),
        "fixed": pa.array([bytes([65 + i % 26] * 4) for i in n], pa.binary(4)),
        "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([uuid.UUID(int=i).bytes for i in n], pa.binary(16))),
        "nothing": pa.array([None] * ROWS, pa.null()),
        "list": pa.array([hole(i, [hole(i + j, j * i) for j in range(i % 4)]) for i in n], pa.list_(pa.int32())),
        "deep": pa.array([hole(i, [[str(k) for k in range(j)] for j in range(i % 3)]) for i in n], pa.list_(pa.list_(pa.string()))),
        "struct": pa.array([hole(i, {"a": hole(i + 1, i), "b": {"c": [str(i)]}}) for i in n],
                           pa.struct([("a", pa.int64()), ("b", pa.struct([("c", pa.list_(pa.string()))]))])),
        "structs": pa.array([[{"x": j, "y": hole(i + j, [j] * (j % 3))} for j in range(i % 4)] for i in n],
                            pa.list_(pa.struct([("x", pa.int32()), ("y", pa.list_(pa.int16()))]))),
        "map": pa.array([hole(i, [(f"k{j}", hole(j, float(j))) for j in range(i % 3)]) for i in n],
                        pa.map_(pa.string(), pa.float64())),
        "numbers": pa.array([[(j, [str(j)]) for j in range(i % 3)] for i in n], pa.map_(pa.int32(), pa.list_(pa.string()))),
    }
    return pa.table(columns)


def every():
    table = mixed()
    for codec in ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]:
        for dictionary in [True, False]:
            for version in ["1.0", "2.0"]:
                name = f"{codec}-{'dictionary' if dictionary else 'plain'}-v{version[0]}"
                write(name, table, compression=codec, use_dictionary=dictionary, data_page_version=version)
    write("many-pages", table, data_page_size=64, write_batch_size=4)
    write("many-pages-v2", table, data_page_size=64, write_batch_size=4, data_page_version="2.0")
    write("many-groups", table, row_group_size=ROWS // 3)
    write("int96", table.select(["id", "local"]), use_deprecated_int96_timestamps=True)
    write("crc-index", table, write_page_checksum=True, write_page_index=True)
    write("converted-types", table.drop(["half"]), version="1.0", use_compliant_nested_type=False)
    encodings = {"id": "DELTA_BINARY_PACKED", "name": "DELTA_BYTE_ARRAY", "bytes": "DELTA_LENGTH_BYTE_ARRAY",
                 "share": "BYTE_STREAM_SPLIT", "single": "BYTE_STREAM_SPLIT", "flag": "RLE", "fixed": "DELTA_BYTE_ARRAY"}
    for version in ["1.0", "2.0"]:
        write(f"encodings-v{version[0]}", table.select(list(encodings)), use_dictionary=False, column_encoding=encodings,
              data_page_version=version)
    write("empty", table.slice(0, 0))
    write("no-columns", pa.table({}))


def wide():
    write("wide", pa.table({f"column_{i:05}": pa.array([i, i + 1, i + 2]) for i in range(10_000)}))


def large(mebibytes):
    """A row group of this size, of bytes that do not compress and small numbers, and a column of large values."""
    piece = 1 << 16
    path = os.path.join(FOLDER, f"large-{mebibytes}.parquet")
    schema = pa.schema([("id", pa.int64()), ("noise", pa.binary(128)), ("blob", pa.binary()), ("list", pa.list_(pa.float32()))])
    rows = mebibytes * 2**20 // 200
    batches = []
    for begin in range(0, rows, piece):
        count = min(piece, rows - begin)
        noise = pa.FixedSizeBinaryArray.from_buffers(pa.binary(128), count, [None, pa.py_buffer(os.urandom(128 * count))])
        blob = pa.array([os.urandom(48 << 20) if begin + i == 0 and mebibytes > 500 else b"" for i in range(count)], pa.binary())
        floats = pa.Array.from_buffers(pa.float32(), count * 16, [None, pa.py_buffer(os.urandom(64 * count))])
        lists = pa.ListArray.from_arrays(pa.array(range(0, count * 16 + 1, 16), pa.int32()), floats)
        batches.append(pa.record_batch([pa.array(range(begin, begin + count)), noise, blob, lists], schema=schema))
    pq.write_table(pa.Table.from_batches(batches), path, row_group_size=rows, compression="snappy")
    print(os.path.getsize(path))


{"all": every, "wide": wide}.get(sys.argv[2], lambda: large(int(sys.argv[2])))()
