"""Asks an S3 endpoint what it can do and, with roles at hand, what it refuses, and tells where it differs from AWS.

    python s3probe.py ENDPOINT [--admin ACCESS_KEY:SECRET] [--sts URL] [--iam URL] [--skip-enf] [--out result.json]

The result is `{"ops"|"enf": {question: [verdict, answer]}}`; the verdict is PASS, FAIL or N/A. A difference is an answer and
no failure of the probe, so it ends with 0. The questions about enforcement expect the users `svc` and `stranger` and the
roles `probe-ro`, `probe-rw`, `probe-prefix`, `probe-trusted` and `probe-root` to be there.
"""
import argparse, base64, hashlib, io, json, time, urllib.error, urllib.request
import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
ap = argparse.ArgumentParser()
ap.add_argument('endpoint'); ap.add_argument('--admin', default='TESTADMINADMINADMIN0:adminsecret')
ap.add_argument('--sts', default=None); ap.add_argument('--iam', default=None); ap.add_argument('--account', default='123456789012')
ap.add_argument('--skip-enf', action='store_true'); ap.add_argument('--out', default=None); ap.add_argument('--region', default='us-east-1')
A = ap.parse_args(); AK, SK = A.admin.split(':')
R = {'ops': {}, 'enf': {}}
def cfg(**k): return Config(s3={'addressing_style': 'path'}, parameter_validation=False, retries={'max_attempts': 1, 'mode': 'standard'}, connect_timeout=5, read_timeout=30, **k)
def cl(svc, ak=AK, sk=SK, tok=None, region=None, ep=None, **k):
    c = boto3.client(svc, endpoint_url=ep or A.endpoint, aws_access_key_id=ak, aws_secret_access_key=sk, aws_session_token=tok, region_name=region or A.region, config=cfg(**k)); return c
def err(e):
    if isinstance(e, ClientError):
        m = e.response.get('ResponseMetadata', {}); return f"{e.response.get('Error', {}).get('Code')}/{m.get('HTTPStatusCode')}"
    return f"{type(e).__name__}: {str(e)[:120]}"
def T(sec, name, f, want=None):
    try:
        v = f(); got = 'ok' if v is None else (('ok' if v is True else v))
    except Exception as e:
        got = err(e)
    if want is None: verdict = 'PASS' if got == 'ok' else 'FAIL'
    else: verdict = 'PASS' if any(got == w or str(got).startswith(w) for w in (want if isinstance(want, (list,tuple)) else [want])) else 'FAIL'
    R[sec][name] = [verdict, got]
    print(f"{verdict:4} {sec}.{name:34} {got}" + ('' if verdict == 'PASS' or want is None else f"   (want {want})"), flush=True)
s3 = cl('s3'); B = 'probe-bkt'; B2 = 'probe-ver'
T('ops', 'create_bucket', lambda: s3.create_bucket(Bucket=B) and None)
T('ops', 'put', lambda: s3.put_object(Bucket=B, Key='a/k1.txt', Body=b'hello', Metadata={'user': 'x'}, ContentType='text/plain') and None)
T('ops', 'get', lambda: s3.get_object(Bucket=B, Key='a/k1.txt')['Body'].read() == b'hello')
def head():
    h = s3.head_object(Bucket=B, Key='a/k1.txt'); return h['ContentLength'] == 5 and h['Metadata'] == {'user': 'x'} and h['ContentType'] == 'text/plain' and bool(h['ETag'])
T('ops', 'head_metadata', head)
T('ops', 'range_get', lambda: (lambda r: r['Body'].read() == b'ell' and r['ContentRange'] == 'bytes 1-3/5')(s3.get_object(Bucket=B, Key='a/k1.txt', Range='bytes=1-3')))
T('ops', 'bad_range_416', lambda: s3.get_object(Bucket=B, Key='a/k1.txt', Range='bytes=10-20') and None, want='InvalidRange/416')
def pag():
    for i in range(5): s3.put_object(Bucket=B, Key=f'l/{i}/x', Body=b'z')
    ks = []; tok = None; n = 0
    while True:
        r = s3.list_objects_v2(Bucket=B, Prefix='l/', MaxKeys=2, **({'ContinuationToken': tok} if tok else {})); n += 1
        ks += [o['Key'] for o in r.get('Contents', [])]; tok = r.get('NextContinuationToken')
        if not r['IsTruncated']: break
        if n > 9: return 'loop'
    d = s3.list_objects_v2(Bucket=B, Prefix='l/', Delimiter='/')
    return (ks == [f'l/{i}/x' for i in range(5)] and n == 3 and [p['Prefix'] for p in d['CommonPrefixes']] == [f'l/{i}/' for i in range(5)]) or f'{n} {ks}'
T('ops', 'list_v2_pagination_delim', pag)
def pagd():
    r = s3.list_objects_v2(Bucket=B, Prefix='l/', Delimiter='/', MaxKeys=2); r2 = s3.list_objects_v2(Bucket=B, Prefix='l/', Delimiter='/', MaxKeys=10, ContinuationToken=r['NextContinuationToken'])
    return ([p['Prefix'] for p in r['CommonPrefixes']] == ['l/0/', 'l/1/'] and [p['Prefix'] for p in r2['CommonPrefixes']] == ['l/2/', 'l/3/', 'l/4/']) or str((r.get('CommonPrefixes'), r2.get('CommonPrefixes')))[:150]
T('ops', 'list_v2_delim_pagination', pagd)
T('ops', 'list_start_after', lambda: [o['Key'] for o in s3.list_objects_v2(Bucket=B, Prefix='l/', StartAfter='l/2/x')['Contents']] == ['l/3/x', 'l/4/x'])
T('ops', 'unicode_key', lambda: (s3.put_object(Bucket=B, Key='ü n/+&%.txt', Body=b'u'), s3.get_object(Bucket=B, Key='ü n/+&%.txt')['Body'].read() == b'u' and any(o['Key'] == 'ü n/+&%.txt' for o in s3.list_objects_v2(Bucket=B, Prefix='ü')['Contents']))[1])
T('ops', 'dotdot_slash_keys', lambda: (s3.put_object(Bucket=B, Key='p//q/../r', Body=b'u'), s3.get_object(Bucket=B, Key='p//q/../r')['Body'].read() == b'u')[1])
def dirkey():
    s3.put_object(Bucket=B, Key='dk', Body=b'file'); s3.put_object(Bucket=B, Key='dk/child', Body=b'c'); s3.put_object(Bucket=B, Key='dkd/', Body=b'')
    return s3.get_object(Bucket=B, Key='dk')['Body'].read() == b'file' and s3.get_object(Bucket=B, Key='dk/child')['Body'].read() == b'c' and s3.head_object(Bucket=B, Key='dkd/')['ContentLength'] == 0
T('ops', 'key_and_key_slash_child', dirkey)
T('ops', 'copy', lambda: (s3.copy_object(Bucket=B, Key='c1', CopySource={'Bucket': B, 'Key': 'a/k1.txt'}), s3.head_object(Bucket=B, Key='c1')['Metadata'] == {'user': 'x'})[1])
T('ops', 'copy_replace_meta', lambda: (s3.copy_object(Bucket=B, Key='c1', CopySource={'Bucket': B, 'Key': 'c1'}, MetadataDirective='REPLACE', Metadata={'n': '2'}), s3.head_object(Bucket=B, Key='c1')['Metadata'] == {'n': '2'})[1])
T('ops', 'copy_if_match_412', lambda: s3.copy_object(Bucket=B, Key='c2', CopySource={'Bucket': B, 'Key': 'a/k1.txt'}, CopySourceIfMatch='"deadbeef"') and None, want='PreconditionFailed/412')
T('ops', 'tagging', lambda: (s3.put_object_tagging(Bucket=B, Key='c1', Tagging={'TagSet': [{'Key': 'k', 'Value': 'v'}]}), s3.get_object_tagging(Bucket=B, Key='c1')['TagSet'] == [{'Key': 'k', 'Value': 'v'}])[1])
P = b'p' * (5 * 1024 * 1024)
def mp():
    u = s3.create_multipart_upload(Bucket=B, Key='mp')['UploadId']
    e1 = s3.upload_part(Bucket=B, Key='mp', UploadId=u, PartNumber=1, Body=P)['ETag']; e2 = s3.upload_part(Bucket=B, Key='mp', UploadId=u, PartNumber=2, Body=b'tail')['ETag']
    lp = s3.list_parts(Bucket=B, Key='mp', UploadId=u)['Parts']; lm = s3.list_multipart_uploads(Bucket=B).get('Uploads', [])
    r = s3.complete_multipart_upload(Bucket=B, Key='mp', UploadId=u, MultipartUpload={'Parts': [{'PartNumber': 1, 'ETag': e1}, {'PartNumber': 2, 'ETag': e2}]})
    h = s3.head_object(Bucket=B, Key='mp'); want = hashlib.md5(hashlib.md5(P).digest() + hashlib.md5(b'tail').digest()).hexdigest() + '-2'
    return (h['ContentLength'] == len(P) + 4 and h['ETag'].strip('"') == want and len(lp) == 2 and len(lm) == 1) or f"{h['ETag']} want {want} lp={len(lp)} lm={len(lm)}"
T('ops', 'multipart_etag_list', mp)
def mpc():
    u = s3.create_multipart_upload(Bucket=B, Key='mpc')['UploadId']
    e1 = s3.upload_part_copy(Bucket=B, Key='mpc', UploadId=u, PartNumber=1, CopySource={'Bucket': B, 'Key': 'mp'}, CopySourceRange='bytes=0-5242879')['CopyPartResult']['ETag']
    e2 = s3.upload_part_copy(Bucket=B, Key='mpc', UploadId=u, PartNumber=2, CopySource={'Bucket': B, 'Key': 'a/k1.txt'})['CopyPartResult']['ETag']
    s3.complete_multipart_upload(Bucket=B, Key='mpc', UploadId=u, MultipartUpload={'Parts': [{'PartNumber': 1, 'ETag': e1}, {'PartNumber': 2, 'ETag': e2}]})
    return s3.get_object(Bucket=B, Key='mpc', Range='bytes=5242878-')['Body'].read() == b'pphello'
T('ops', 'upload_part_copy_range', mpc)
def mab():
    u = s3.create_multipart_upload(Bucket=B, Key='mpa')['UploadId']; s3.upload_part(Bucket=B, Key='mpa', UploadId=u, PartNumber=1, Body=b'x'); s3.abort_multipart_upload(Bucket=B, Key='mpa', UploadId=u)
    try: s3.list_parts(Bucket=B, Key='mpa', UploadId=u); return 'still listed'
    except ClientError as e: return err(e)
T('ops', 'abort_then_NoSuchUpload', mab, want='NoSuchUpload/404')
def small():
    u = s3.create_multipart_upload(Bucket=B, Key='mps')['UploadId']; es = [s3.upload_part(Bucket=B, Key='mps', UploadId=u, PartNumber=i, Body=b'x')['ETag'] for i in (1, 2)]
    s3.complete_multipart_upload(Bucket=B, Key='mps', UploadId=u, MultipartUpload={'Parts': [{'PartNumber': i + 1, 'ETag': e} for i, e in enumerate(es)]})
T('ops', 'EntityTooSmall', small, want='EntityTooSmall/400')
T('ops', 'put_if_none_match_412', lambda: s3.put_object(Bucket=B, Key='a/k1.txt', Body=b'x', IfNoneMatch='*') and None, want='PreconditionFailed/412')
T('ops', 'put_if_none_match_new', lambda: s3.put_object(Bucket=B, Key='a/new', Body=b'x', IfNoneMatch='*') and None)
T('ops', 'put_if_match_wrong_412', lambda: s3.put_object(Bucket=B, Key='a/k1.txt', Body=b'x', IfMatch='"00000000000000000000000000000000"') and None, want='PreconditionFailed/412')
T('ops', 'put_if_match_right', lambda: s3.put_object(Bucket=B, Key='a/k1.txt', Body=b'hello', IfMatch=s3.head_object(Bucket=B, Key='a/k1.txt')['ETag']) and None)
T('ops', 'put_if_match_missing_404', lambda: s3.put_object(Bucket=B, Key='a/nope', Body=b'x', IfMatch='"00000000000000000000000000000000"') and None, want='NoSuchKey/404')
def mpinm():
    u = s3.create_multipart_upload(Bucket=B, Key='a/k1.txt')['UploadId']; e = s3.upload_part(Bucket=B, Key='a/k1.txt', UploadId=u, PartNumber=1, Body=b'x')['ETag']
    s3.complete_multipart_upload(Bucket=B, Key='a/k1.txt', UploadId=u, MultipartUpload={'Parts': [{'PartNumber': 1, 'ETag': e}]}, IfNoneMatch='*')
T('ops', 'complete_mpu_if_none_match_412', mpinm, want='PreconditionFailed/412')
T('ops', 'delete_if_match_412', lambda: s3.delete_object(Bucket=B, Key='a/k1.txt', IfMatch='"deadbeef"') and None, want='PreconditionFailed/412')
T('ops', 'get_if_none_match_304', lambda: s3.get_object(Bucket=B, Key='c1', IfNoneMatch=s3.head_object(Bucket=B, Key='c1')['ETag']) and None, want=['304/304', 'NotModified/304'])
T('ops', 'get_if_match_412', lambda: s3.get_object(Bucket=B, Key='c1', IfMatch='"dead"') and None, want='PreconditionFailed/412')
def race():
    import concurrent.futures as cf
    def one(i):
        try: s3.put_object(Bucket=B, Key='race', Body=str(i).encode(), IfNoneMatch='*'); return 1
        except ClientError as e: return 0
    with cf.ThreadPoolExecutor(16) as ex: n = sum(ex.map(one, range(16)))
    return n == 1 or f'{n} winners'
T('ops', 'if_none_match_race_1_winner', race)
def sha():
    d = base64.b64encode(hashlib.sha256(b'hello').digest()).decode()
    r = s3.put_object(Bucket=B, Key='cs', Body=b'hello', ChecksumAlgorithm='SHA256'); h = s3.head_object(Bucket=B, Key='cs', ChecksumMode='ENABLED')
    return (r.get('ChecksumSHA256') == d and h.get('ChecksumSHA256') == d) or f"put={r.get('ChecksumSHA256')} head={h.get('ChecksumSHA256')}"
T('ops', 'checksum_sha256_roundtrip', sha)
T('ops', 'checksum_sha256_bad_400', lambda: s3.put_object(Bucket=B, Key='cs2', Body=b'hello', ChecksumSHA256=base64.b64encode(b'0' * 32).decode()) and None, want=['BadDigest/400', 'InvalidRequest/400', 'XAmzContentChecksumMismatch/400'])
T('ops', 'content_md5_bad_400', lambda: s3.put_object(Bucket=B, Key='cs3', Body=b'hello', ContentMD5=base64.b64encode(b'0' * 16).decode()) and None, want=['BadDigest/400', 'InvalidDigest/400'])
def crc64():
    v = 'M3eFcAZSQlc='  # crc64nvme('hello')
    r = s3.put_object(Bucket=B, Key='cs4', Body=b'hello', ChecksumCRC64NVME=v); h = s3.head_object(Bucket=B, Key='cs4', ChecksumMode='ENABLED')
    return h.get('ChecksumCRC64NVME') == v or f"head={h.get('ChecksumCRC64NVME')}"
T('ops', 'checksum_crc64nvme_roundtrip', crc64)
def dflt():
    s3.put_object(Bucket=B, Key='cs5', Body=b'hello'); h = s3.head_object(Bucket=B, Key='cs5', ChecksumMode='ENABLED'); return bool([k for k in h if k.startswith('ChecksumC')]) or 'none'
T('ops', 'default_checksum_stored', dflt)
def attrs():
    r = s3.get_object_attributes(Bucket=B, Key='cs', ObjectAttributes=['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'])
    return (r.get('ObjectSize') == 5 and bool(r.get('ETag')) and r.get('Checksum', {}).get('ChecksumSHA256') is not None) or str({k: v for k, v in r.items() if k != 'ResponseMetadata'})[:160]
T('ops', 'get_object_attributes', attrs)
def attrsmp():
    r = s3.get_object_attributes(Bucket=B, Key='mp', ObjectAttributes=['ObjectParts', 'ObjectSize']); return r.get('ObjectParts', {}).get('TotalPartsCount') == 2 or str(r.get('ObjectParts'))
T('ops', 'get_object_attributes_parts', attrsmp)
def streamed():
    cl('s3').upload_fileobj(io.BytesIO(b'z' * 9_000_000), B, 'tm'); return s3.head_object(Bucket=B, Key='tm')['ContentLength'] == 9_000_000
T('ops', 'transfer_manager_mp_trailer', streamed)
def pre(op, body=None, c=None, exp=60, **p):
    u = (c or s3).generate_presigned_url(op, Params=dict(Bucket=B, **p), ExpiresIn=exp); rq = urllib.request.Request(u, data=body, method='PUT' if body is not None else 'GET', headers={'Content-Type': 'application/octet-stream'} if body is not None else {})
    try:
        with urllib.request.urlopen(rq, timeout=10) as r: return r.status, r.read()
    except urllib.error.HTTPError as e: 
        b = e.read(); i = b.find(b'<Code>'); return e.code, b[i+6:b.find(b'</Code>')].decode() if i >= 0 else b[:60].decode('utf8', 'replace')
def urlcode(u):
    try:
        with urllib.request.urlopen(u, timeout=10) as r: return str(r.status)
    except urllib.error.HTTPError as e: return str(e.code)
s3v4 = cl('s3', signature_version='s3v4')
T('ops', 'presigned_get', lambda: pre('get_object', Key='cs', c=s3v4) == (200, b'hello'))
T('ops', 'presigned_put', lambda: (pre('put_object', b'pp', Key='pp', c=s3v4)[0] == 200 and s3.get_object(Bucket=B, Key='pp')['Body'].read() == b'pp') or str(pre('put_object', b'pp', Key='pp', c=s3v4)))
T('ops', 'presigned_tampered_403', lambda: (lambda u: urlcode(u.replace('Signature=', 'Signature=0')))(s3v4.generate_presigned_url('get_object', Params={'Bucket': B, 'Key': 'cs'})), want='403')
def prexp():
    u = s3v4.generate_presigned_url('get_object', Params={'Bucket': B, 'Key': 'cs'}, ExpiresIn=1); time.sleep(2.2); return urlcode(u)
T('ops', 'presigned_expired_403', prexp, want='403')
T('ops', 'delete_objects_multi', lambda: len(s3.delete_objects(Bucket=B, Delete={'Objects': [{'Key': 'l/0/x'}, {'Key': 'l/1/x'}, {'Key': 'nope'}]})['Deleted']) == 3)
T('ops', 'NoSuchKey', lambda: s3.get_object(Bucket=B, Key='zip') and None, want='NoSuchKey/404')
T('ops', 'NoSuchBucket', lambda: s3.list_objects_v2(Bucket='zip-zap-zop') and None, want='NoSuchBucket/404')
T('ops', 'head_404', lambda: s3.head_object(Bucket=B, Key='zip') and None, want='404/404')
T('ops', 'head_bucket_region', lambda: s3.head_bucket(Bucket=B)['ResponseMetadata']['HTTPHeaders'].get('x-amz-bucket-region') == A.region or 'no header')
T('ops', 'request_id_header', lambda: bool(s3.head_bucket(Bucket=B)['ResponseMetadata'].get('RequestId')) and bool(s3.head_bucket(Bucket=B)['ResponseMetadata']['HTTPHeaders'].get('x-amz-request-id')) or 'none')
# versions
def ver():
    s3.create_bucket(Bucket=B2); s3.put_bucket_versioning(Bucket=B2, VersioningConfiguration={'Status': 'Enabled'})
    v1 = s3.put_object(Bucket=B2, Key='k', Body=b'1')['VersionId']; v2 = s3.put_object(Bucket=B2, Key='k', Body=b'2')['VersionId']
    if s3.get_object(Bucket=B2, Key='k', VersionId=v1)['Body'].read() != b'1': return 'v1 wrong'
    d = s3.delete_object(Bucket=B2, Key='k'); 
    if not d.get('DeleteMarker'): return f'no marker {d.get("VersionId")}'
    l = s3.list_object_versions(Bucket=B2); 
    if len(l['Versions']) != 2 or len(l['DeleteMarkers']) != 1: return 'list'
    s3.delete_object(Bucket=B2, Key='k', VersionId=d['VersionId']); return s3.get_object(Bucket=B2, Key='k')['Body'].read() == b'2'
T('ops', 'versioning', ver)
def verpag():
    for i in range(5): s3.put_object(Bucket=B2, Key='vp', Body=str(i).encode())
    n = 0; km = vm = None; ids = []
    while True:
        k = {}; 
        if km: k = dict(KeyMarker=km, VersionIdMarker=vm)
        r = s3.list_object_versions(Bucket=B2, Prefix='vp', MaxKeys=2, **k); n += 1; ids += [v['VersionId'] for v in r.get('Versions', [])]
        if not r['IsTruncated'] or n > 8: break
        km, vm = r.get('NextKeyMarker'), r.get('NextVersionIdMarker')
    return (len(ids) == 5 and len(set(ids)) == 5) or f'{n} pages {len(set(ids))} ids'
T('ops', 'list_versions_pagination', verpag)
T('ops', 'copy_from_version', lambda: (lambda vs: (s3.copy_object(Bucket=B2, Key='vpc', CopySource={'Bucket': B2, 'Key': 'vp', 'VersionId': vs[-1]['VersionId']}), s3.get_object(Bucket=B2, Key='vpc')['Body'].read() == b'0')[1])(s3.list_object_versions(Bucket=B2, Prefix='vp')['Versions']))
T('ops', 'bucket_policy_put_get', lambda: (s3.put_bucket_policy(Bucket=B2, Policy=json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Deny', 'Principal': '*', 'Action': 's3:PutObject', 'Resource': f'arn:aws:s3:::{B2}/locked/*'}]})), 'locked' in s3.get_bucket_policy(Bucket=B2)['Policy'])[1])
def wr():
    B3 = 'probe-eu'; cl('s3', region='eu-west-1').create_bucket(Bucket=B3, CreateBucketConfiguration={'LocationConstraint': 'eu-west-1'})
    try:
        r = cl('s3', region='us-east-1', ).head_bucket(Bucket=B3); return 'served, x-amz-bucket-region=' + str(r['ResponseMetadata']['HTTPHeaders'].get('x-amz-bucket-region'))
    except ClientError as e: return err(e) + ' hdr=' + str(e.response['ResponseMetadata']['HTTPHeaders'].get('x-amz-bucket-region'))
T('ops', 'wrong_region_redirect', wr, want=['301/301', 'PermanentRedirect/301', 'AuthorizationHeaderMalformed/400'])
# ---------- enforcement
if not A.skip_enf:
    acct = A.account
    pol = lambda *st: json.dumps({'Version': '2012-10-17', 'Statement': list(st)})
    RO = pol({'Effect': 'Allow', 'Action': ['s3:GetObject', 's3:GetObjectVersion'], 'Resource': f'arn:aws:s3:::{B}/*'}, {'Effect': 'Allow', 'Action': ['s3:ListBucket', 's3:GetBucketLocation'], 'Resource': f'arn:aws:s3:::{B}'})
    svc = dict(svc=('TESTSVCSVCSVCSVCSVC0', 'svcsecret'), stranger=('TESTSTRANGERSTRANGE0', 'strangersecret'))
    stsu = cl('sts', *svc['svc'], ep=A.sts); biam = cl('iam', AK, SK, ep=A.iam); bs3 = cl('s3', AK, SK); caller = svc['svc']
    sess = {}
    def assume(role, name=None, c=None, **k):
        r = (c or stsu).assume_role(RoleArn=f'arn:aws:iam::{acct}:role/{role}', RoleSessionName='alice', **k)['Credentials']
        sess[name or role] = r; return None
    T('enf', 'assume_ro', lambda: assume('probe-ro')); T('enf', 'assume_rw', lambda: assume('probe-rw')); T('enf', 'assume_prefix', lambda: assume('probe-prefix'))
    T('enf', 'trust_account_root_ok', lambda: assume('probe-root'))
    T('enf', 'boss_user_put_ok', lambda: bs3.put_object(Bucket=B, Key='boss', Body=b'1') and None)
    T('enf', 'assume_nonexistent_role', lambda: assume('nope'), want='AccessDenied/403')
    T('enf', 'trust_policy_allows_svc', lambda: assume('probe-trusted'))
    T('enf', 'trust_policy_denies_stranger', lambda: assume('probe-trusted', 'x', cl('sts', *svc['stranger'], ep=A.sts)), want='AccessDenied/403')
    def c(n, tok='own', **k):
        r = sess[n]; t = {'own': r['SessionToken'], 'none': None}.get(tok, tok); return cl('s3', r['AccessKeyId'], r['SecretAccessKey'], t, **k)
    T('enf', 'caller_identity_session', lambda: (lambda a: ('assumed-role/probe-rw/alice' in a) or a)(cl('sts', sess['probe-rw']['AccessKeyId'], sess['probe-rw']['SecretAccessKey'], sess['probe-rw']['SessionToken'], ep=A.sts).get_caller_identity()['Arn']))
    T('enf', 'ro_get_ok', lambda: c('probe-ro').get_object(Bucket=B, Key='cs') and None)
    T('enf', 'ro_list_ok', lambda: c('probe-ro').list_objects_v2(Bucket=B) and None)
    T('enf', 'ro_put_denied', lambda: c('probe-ro').put_object(Bucket=B, Key='ro-w', Body=b'x') and None, want='AccessDenied/403')
    T('enf', 'ro_delete_denied', lambda: c('probe-ro').delete_object(Bucket=B, Key='cs') and None, want='AccessDenied/403')
    T('enf', 'ro_copy_denied', lambda: c('probe-ro').copy_object(Bucket=B, Key='ro-c', CopySource={'Bucket': B, 'Key': 'cs'}) and None, want='AccessDenied/403')
    T('enf', 'ro_create_mpu_denied', lambda: c('probe-ro').create_multipart_upload(Bucket=B, Key='ro-mp') and None, want='AccessDenied/403')
    T('enf', 'ro_delete_objects_denied', lambda: (lambda r: (r.get('Errors') or [{}])[0].get('Code') or 'deleted')(c('probe-ro').delete_objects(Bucket=B, Delete={'Objects': [{'Key': 'race'}]})), want=['AccessDenied'])
    T('enf', 'ro_presigned_put_denied', lambda: str(pre('put_object', b'x', Key='ro-p', c=c('probe-ro', signature_version='s3v4'))[0]), want='403')
    T('enf', 'rw_presigned_put_ok', lambda: str(pre('put_object', b'x', Key='rw-p', c=c('probe-rw', signature_version='s3v4'))[0]), want='200')
    T('enf', 'ro_list_buckets_denied', lambda: c('probe-ro').list_buckets() and None, want='AccessDenied/403')
    T('enf', 'ro_other_bucket_get_denied', lambda: c('probe-ro').get_object(Bucket=B2, Key='k') and None, want='AccessDenied/403')
    T('enf', 'ro_head_denied_403', lambda: c('probe-ro').head_object(Bucket=B2, Key='k') and None, want='403/403')
    T('enf', 'ro_tagging_denied', lambda: c('probe-ro').get_object_tagging(Bucket=B, Key='c1') and None, want='AccessDenied/403')
    T('enf', 'rw_put_ok', lambda: c('probe-rw').put_object(Bucket=B, Key='rw-w', Body=b'x') and None)
    T('enf', 'rw_copy_ok', lambda: c('probe-rw').copy_object(Bucket=B, Key='rw-c', CopySource={'Bucket': B, 'Key': 'cs'}) and None)
    T('enf', 'rw_explicit_deny', lambda: c('probe-rw').put_object(Bucket=B, Key='denied/x', Body=b'x') and None, want='AccessDenied/403')
    T('enf', 'rw_if_none_match_412', lambda: c('probe-rw').put_object(Bucket=B, Key='rw-w', Body=b'x', IfNoneMatch='*') and None, want='PreconditionFailed/412')
    T('enf', 'prefix_put_ok', lambda: c('probe-prefix').put_object(Bucket=B, Key='team-a/x', Body=b'x') and None)
    T('enf', 'prefix_put_denied', lambda: c('probe-prefix').put_object(Bucket=B, Key='team-b/x', Body=b'x') and None, want='AccessDenied/403')
    T('enf', 'prefix_list_cond_ok', lambda: c('probe-prefix').list_objects_v2(Bucket=B, Prefix='team-a/') and None)
    T('enf', 'prefix_list_cond_denied', lambda: c('probe-prefix').list_objects_v2(Bucket=B, Prefix='team-b/') and None, want='AccessDenied/403')
    T('enf', 'session_policy_narrows', lambda: (assume('probe-rw', 'narrow', Policy=RO), c('narrow').put_object(Bucket=B, Key='nar', Body=b'x'), None)[2], want='AccessDenied/403')
    T('enf', 'session_policy_get_ok', lambda: c('narrow').get_object(Bucket=B, Key='cs') and None)
    T('enf', 'bucket_policy_deny', lambda: bs3.put_object(Bucket=B2, Key='locked/x', Body=b'1') and None, want='AccessDenied/403')
    T('enf', 'no_session_token', lambda: c('probe-rw', 'none').get_object(Bucket=B, Key='cs') and None, want=['InvalidAccessKeyId/403', 'AccessDenied/403', 'InvalidToken/400', 'InvalidToken/403'])
    T('enf', 'other_session_token', lambda: c('probe-ro', sess['probe-rw']['SessionToken']).get_object(Bucket=B, Key='cs') and None, want=['InvalidToken/400', 'AccessDenied/403', 'InvalidToken/403', 'InvalidAccessKeyId/403', 'SignatureDoesNotMatch/403'])
    T('enf', 'garbage_session_token', lambda: c('probe-rw', 'garbage').get_object(Bucket=B, Key='cs') and None, want=['InvalidToken/400', 'InvalidToken/403', 'AccessDenied/403', 'InvalidAccessKeyId/403'])
    T('enf', 'bad_secret', lambda: cl('s3', sess['probe-rw']['AccessKeyId'], 'wrong', sess['probe-rw']['SessionToken']).get_object(Bucket=B, Key='cs') and None, want='SignatureDoesNotMatch/403')
    T('enf', 'bad_secret_admin', lambda: cl('s3', caller[0], 'wrong').get_object(Bucket=B, Key='cs') and None, want='SignatureDoesNotMatch/403')
    T('enf', 'unknown_access_key', lambda: cl('s3', 'TESTNOSUCHKEYNOSUCH0', 'x').get_object(Bucket=B, Key='cs') and None, want='InvalidAccessKeyId/403')
    T('enf', 'anonymous_denied', lambda: boto3.client('s3', endpoint_url=A.endpoint, region_name=A.region, config=cfg(signature_version=UNSIGNED)).get_object(Bucket=B, Key='cs') and None, want='AccessDenied/403')
    def tamper():
        cc = c('probe-rw'); 
        def add(request, **k):
            del request.headers['X-Amz-Date']; request.headers['X-Amz-Date'] = '20200101T000000Z'
        cc.meta.events.register('before-send.s3', add); cc.get_object(Bucket=B, Key='cs')
    T('enf', 'clock_skew', tamper, want=['RequestTimeTooSkewed/403', 'SignatureDoesNotMatch/403', 'AccessDenied/403'])
    def expd(d):
        assume('probe-rw', 'short', DurationSeconds=d); time.sleep(d + 1.5); c('short').get_object(Bucket=B, Key='cs')
    T('enf', 'duration_2s_refused_by_sts', lambda: assume('probe-rw', 'short', DurationSeconds=2), want='ValidationError/400')
    if 'short' in sess: T('enf', 'expired_token', lambda: expd(2), want=['ExpiredToken/400', 'ExpiredToken/403'])
    else: R['enf']['expired_token'] = ['N/A', 'cannot mint short session through STS']; print('N/A  enf.expired_token')
    T('enf', 'session_revoked_role_deleted', lambda: (biam.delete_role_policy(RoleName='probe-prefix', PolicyName='p'), c('probe-prefix').put_object(Bucket=B, Key='team-a/y', Body=b'x'), None)[2], want='AccessDenied/403')
for sec in R: print(sec, sum(v[0] == 'PASS' for v in R[sec].values()), '/', len(R[sec]))
if A.out: json.dump(R, open(A.out, 'w'), indent=1)
