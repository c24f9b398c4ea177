"""A model provider on loopback whose model follows a script: it asks for the given tool calls in turn and then ends.

Speaks Anthropic Messages, OpenAI Responses and Chat Completions, and Gemini's generateContent, each streamed or not, as
the request asks. It keeps no conversation: the tool results in a request say which call is next, so that a client may
repeat a request, or ask the model for a title in between. It is the HTTP proxy of the client as well, and refuses to
connect to anything but itself.
"""

import base64
import binascii
import json
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "scripted"
DONE = "All calls were made."


class Provider:
    """The provider, which serves from its making until `close`.

    `calls` are pairs of a tool's name, as the MCP server lists it, and arguments.
    """

    def __init__(self, calls):
        self.calls = calls
        self.requests = []
        # Requests that no API of these has, and hosts that the client wanted to reach.
        self.unknown, self.outside = [], []
        self.results = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                provider.post(self)

            def do_GET(self):
                if self.path.startswith("http"):
                    return self.do_CONNECT()
                if "/models" not in self.path:
                    provider.unknown.append(f"{self.command} {self.path}")
                return answer(self, {"object": "list", "data": [], "models": []})

            def do_CONNECT(self):
                provider.outside.append(self.path)
                self.close_connection = True
                answer(self, {"error": {"message": "The network is not for tests."}}, 403)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def post(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        path = request.path.partition("?")[0]
        if path.startswith("http"):
            return request.do_CONNECT()
        if path.endswith("/count_tokens"):
            return answer(request, {"input_tokens": 1})
        if path.endswith(":countTokens"):
            return answer(request, {"totalTokens": 1})
        apis = {"/messages": anthropic, "/responses": responses, "/chat/completions": chat, "enerateContent": gemini}
        api = next((apis[end] for end in apis if path.endswith(end)), None)
        if api is None:
            self.unknown.append(f"{request.command} {request.path}")
            return answer(request, {"error": {"message": f"no API is at {path}"}}, 404)
        asked = json.loads(body)
        self.requests.append({"path": request.path, "body": asked})
        return api(self, request, asked)

    def next_call(self, offered, results):
        """The next call, with the tool's name as the client offers it; `None` when there is none.

        Offered names are looked at by their ends: clients put the server's name before them.
        """
        self.results = max(self.results, results, key=len)
        if not offered or len(results) >= len(self.calls):
            return None
        wanted, arguments = self.calls[len(results)]
        found = [name for name in offered if name == wanted or name.endswith(("_" + wanted, "." + wanted))]
        # `bucket_list` is the end of no other tool's name; the shortest is ours all the same.
        return (min(found, key=len), arguments) if found else None


def answer(request, body, status=200):
    send(request, json.dumps(body).encode(), "application/json", status)


def stream(request, events, named=True):
    """Sends server-sent events; Gemini's and Chat Completions' have no name."""
    lines = [(f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events]
    send(request, "".join(lines).encode(), "text/event-stream", 200)


def send(request, body, kind, status):
    request.send_response(status)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def text(value):
    return {"type": "text", "length": len(value), "text": value}


def image(mime_type, encoded):
    """A picture; one whose base64 is none has no bytes."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        data = b""
    return {"type": "image", "mime_type": mime_type, "bytes": len(data), "sha256": sha256(data).hexdigest()}


def image_of(url):
    """The picture of a `data:` URL."""
    head, _, encoded = url.removeprefix("data:").partition(";base64,")
    return image(head, encoded)


def other(part):
    """A part of another kind is what its JSON is: text."""
    return text(json.dumps(part))


# Anthropic Messages.


def anthropic(provider, request, asked):
    results = []
    for message in asked["messages"]:
        blocks = message["content"] if isinstance(message["content"], list) else []
        results += [anthropic_result(block) for block in blocks if block["type"] == "tool_result"]
    call = provider.next_call([tool["name"] for tool in asked.get("tools", [])], results)
    if call is None:
        block, delta, reason = {"type": "text", "text": ""}, {"type": "text_delta", "text": DONE}, "end_turn"
        whole = {"type": "text", "text": DONE}
    else:
        name, arguments = call
        block = {"type": "tool_use", "id": f"toolu_{len(results):04}", "name": name, "input": {}}
        whole = block | {"input": arguments}
        delta, reason = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}, "tool_use"
    message = {"id": f"msg_{len(provider.requests):04}", "type": "message", "role": "assistant", "model": asked["model"],
               "content": [], "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    if not asked.get("stream"):
        return answer(request, message | {"content": [whole], "stop_reason": reason})
    return stream(request, [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ])


def anthropic_result(block):
    content = block.get("content") or []
    parts = []
    for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
        if part["type"] == "text":
            parts.append(text(part["text"]))
        elif part["type"] == "image" and part["source"]["type"] == "base64":
            parts.append(image(part["source"]["media_type"], part["source"]["data"]))
        else:
            parts.append(other(part))
    return {"is_error": block.get("is_error", False), "parts": parts}


# OpenAI Responses.


def responses(provider, request, asked):
    items = asked["input"] if isinstance(asked["input"], list) else []
    results = [{"parts": openai_parts(item["output"])} for item in items if item.get("type") == "function_call_output"]
    offered, spaces = [], {}
    for tool in asked.get("tools", []):
        if tool["type"] == "function":
            offered.append(tool["name"])
        # Codex offers the tools of a server as a namespace.
        for inner in tool.get("tools", []):
            offered.append(inner["name"])
            spaces[inner["name"]] = tool["name"]
    call = provider.next_call(offered, results)
    number = len(provider.requests)
    if call is None:
        item = {"type": "message", "id": f"msg_{number:04}", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": DONE, "annotations": []}]}
    else:
        name, arguments = call
        item = {"type": "function_call", "id": f"fc_{number:04}", "call_id": f"call_{len(results):04}", "name": name,
                "arguments": json.dumps(arguments), "status": "completed"}
        if name in spaces:
            item["namespace"] = spaces[name]
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "input_tokens_details": {"cached_tokens": 0},
             "output_tokens_details": {"reasoning_tokens": 0}}
    response = {"id": f"resp_{number:04}", "object": "response", "created_at": 0, "model": asked["model"],
                "status": "completed", "output": [item], "parallel_tool_calls": False, "tool_choice": "auto", "tools": [],
                "usage": usage}
    if not asked.get("stream"):
        return answer(request, response)
    return stream(request, [
        {"type": "response.created", "response": response | {"status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": item | {"status": "in_progress"}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response},
    ])


def openai_parts(content):
    parts = []
    for part in [content] if isinstance(content, str) else content:
        if isinstance(part, str):
            parts.append(text(part))
        elif part["type"] in ("input_text", "output_text", "text"):
            parts.append(text(part["text"]))
        elif part["type"] == "input_image":
            parts.append(image_of(part["image_url"]))
        elif part["type"] == "image_url":
            parts.append(image_of(part["image_url"]["url"]))
        else:
            parts.append(other(part))
    return parts


# OpenAI Chat Completions.


def chat(provider, request, asked):
    results = [{"parts": openai_parts(it["content"])} for it in asked["messages"] if it["role"] == "tool"]
    call = provider.next_call([tool["function"]["name"] for tool in asked.get("tools", [])], results)
    if call is None:
        message, reason = {"role": "assistant", "content": DONE}, "stop"
    else:
        function = {"name": call[0], "arguments": json.dumps(call[1])}
        tool_call = {"index": 0, "id": f"call_{len(results):04}", "type": "function", "function": function}
        message, reason = {"role": "assistant", "content": None, "tool_calls": [tool_call]}, "tool_calls"
    completion = {"id": f"chatcmpl-{len(provider.requests):04}", "created": 0, "model": asked["model"],
                  "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
    choice = {"index": 0, "finish_reason": reason}
    if not asked.get("stream"):
        return answer(request, completion | {"object": "chat.completion", "choices": [choice | {"message": message}]})
    chunk = completion | {"object": "chat.completion.chunk"}
    return stream(request, [
        chunk | {"choices": [choice | {"delta": message, "finish_reason": None}]},
        chunk | {"choices": [choice | {"delta": {}}]},
    ], named=False)


# Gemini.


def gemini(provider, request, asked):
    results = []
    for turn in asked["contents"]:
        results += gemini_results(turn.get("parts", []))
    declared = [function["name"] for tool in asked.get("tools", []) for function in tool.get("functionDeclarations", [])]
    call = provider.next_call(declared, results)
    part = {"text": DONE} if call is None else {"functionCall": {"name": call[0], "args": call[1]}}
    response = {"candidates": [{"index": 0, "content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
                "modelVersion": MODEL, "responseId": f"response-{len(provider.requests):04}"}
    if ":stream" in request.path:
        return stream(request, [response], named=False)
    return answer(request, response)


def gemini_results(parts):
    """The function responses of a turn; what stands beside one belongs to it."""
    results = []
    for part in parts:
        response = part.get("functionResponse")
        if response is not None:
            inner = [text(json.dumps(response["response"], ensure_ascii=False))]
            results.append({"parts": inner + [gemini_part(it) for it in response.get("parts", [])]})
        elif results:
            results[-1]["parts"].append(gemini_part(part))
    return results


def gemini_part(part):
    if "inlineData" in part:
        return image(part["inlineData"]["mimeType"], part["inlineData"]["data"])
    return text(part["text"]) if "text" in part else other(part)
