"""Agent frameworks convert the listed tools: `python frameworks.py DEV_JSON MCP_URL FRAMEWORK...`.

Each framework connects with its own MCP helper, and sends the tools in its own form to a provider, whose place a
stand-in on loopback takes. No tool may be lost on the way. The names of members of the objects in arrays must arrive, in
the schema or in a description. An object with free keys must not become an empty one that is closed, nor another type.

Prints one JSON line for each framework, with the number of tools, and of those whose form is strict; a line with `faults`
lists what was lost, and the exit code is then 1.
"""

import asyncio
import json
import logging
import os
import sys
import traceback
import urllib.request
from importlib.metadata import version
from pathlib import Path

from provider_stand_in import Provider

PROMPT = "Which tools are there?"
# Frameworks report their use, or ask for updates, unless they are told not to.
QUIET = {"OPENAI_AGENTS_DISABLE_TRACING": "1", "LANGSMITH_TRACING": "false", "OTEL_SDK_DISABLED": "true"}


class Target:
    """The server, and a user's token for it."""

    def __init__(self, dev, url):
        self.url = url
        self.headers = {"Authorization": f"Bearer {dev['users']['reader']['token']}"}

    def listed(self):
        """Returns the input schemas of the listed tools, by name."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).encode()
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-11-25",
        }
        request = urllib.request.Request(self.url, body, headers | self.headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            tools = json.load(answer)["result"]["tools"]
        return {tool["name"]: tool["inputSchema"] for tool in tools}


# --- The frameworks: each returns the body of its request to the provider ---


async def google_genai(target, provider):
    """Google's own SDK, which takes a session of MCP's SDK 1 as a tool."""
    from google import genai
    from google.genai import types
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    client = genai.Client(api_key="none", http_options=types.HttpOptions(base_url=provider.url))
    async with streamablehttp_client(target.url, headers=target.headers) as streams:
        async with ClientSession(streams[0], streams[1]) as session:
            await session.initialize()
            # A `GenerateContentConfig` with a session cannot be copied, which it is (googleapis/python-genai#2669).
            config = {"tools": [session]}
            await client.aio.models.generate_content(model="gemini-2.5-pro", contents=PROMPT, config=config)


async def openai_agents(target, provider, *, strict=False):
    """OpenAI's agents, whose schemas are strict where they can be."""
    from agents import Agent, OpenAIChatCompletionsModel, Runner
    from agents.mcp import MCPServerStreamableHttp
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=provider.url, api_key="none")
    parameters = {"url": target.url, "headers": target.headers, "timeout": 60}
    async with MCPServerStreamableHttp(params=parameters, client_session_timeout_seconds=60) as server:
        model = OpenAIChatCompletionsModel(model="gpt-5", openai_client=client)
        config = {"convert_schemas_to_strict": strict}
        await Runner.run(Agent(name="peer", model=model, mcp_servers=[server], mcp_config=config), PROMPT)


async def openai_agents_strict(target, provider):
    await openai_agents(target, provider, strict=True)


async def pydantic_ai(model, target):
    from pydantic_ai import Agent
    from pydantic_ai.mcp import MCPToolset

    await Agent(model, toolsets=[MCPToolset(target.url, headers=target.headers)]).run(PROMPT)


async def pydantic_ai_openai(target, provider):
    """Pydantic AI with OpenAI's chat completions."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIChatModel("gpt-5", provider=OpenAIProvider(base_url=provider.url, api_key="none"))
    await pydantic_ai(model, target)


async def pydantic_ai_google(target, provider):
    """Pydantic AI with Gemini."""
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    await pydantic_ai(GoogleModel("gemini-2.5-pro", provider=GoogleProvider(base_url=provider.url, api_key="none")), target)


async def pydantic_ai_anthropic(target, provider):
    """Pydantic AI with Anthropic's messages."""
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = AsyncAnthropic(base_url=provider.url, api_key="none")
    await pydantic_ai(AnthropicModel("claude-sonnet-4-5", provider=AnthropicProvider(anthropic_client=client)), target)


async def google_adk(target, provider):
    """Google's Agent Development Kit with Gemini."""
    from google.adk.agents import LlmAgent
    from google.adk.models.google_llm import Gemini
    from google.adk.runners import InMemoryRunner
    from google.adk.tools.mcp_tool import McpToolset, StreamableHTTPConnectionParams

    os.environ["GOOGLE_API_KEY"] = "none"
    parameters = StreamableHTTPConnectionParams(url=target.url, headers=target.headers, timeout=60)
    toolset = McpToolset(connection_params=parameters)
    model = Gemini(model="gemini-2.5-pro", base_url=provider.url)
    runner = InMemoryRunner(agent=LlmAgent(name="peer", model=model, tools=[toolset]), app_name="peer")
    try:
        await runner.run_debug(PROMPT, quiet=True)
    finally:
        await toolset.close()


async def langchain_google_genai(target, provider):
    """LangChain's MCP adapters with its Gemini model."""
    from langchain_google_genai import ChatGoogleGenerativeAI
    from langchain_mcp_adapters.client import MultiServerMCPClient

    server = {"transport": "streamable_http", "url": target.url, "headers": target.headers}
    tools = await MultiServerMCPClient({"quilt": server}).get_tools()
    model = ChatGoogleGenerativeAI(model="gemini-2.5-pro", api_key="none", base_url=provider.url, max_retries=1)
    await model.bind_tools(tools).ainvoke(PROMPT)


# A framework, the package whose version it has, and its part of the work.
FRAMEWORKS = {
    "google-genai": ("google-genai", google_genai),
    "openai-agents": ("openai-agents", openai_agents),
    "openai-agents, strict": ("openai-agents", openai_agents_strict),
    "pydantic-ai, openai": ("pydantic-ai-slim", pydantic_ai_openai),
    "pydantic-ai, anthropic": ("pydantic-ai-slim", pydantic_ai_anthropic),
    "pydantic-ai, google": ("pydantic-ai-slim", pydantic_ai_google),
    "google-adk": ("google-adk", google_adk),
    "langchain-google-genai": ("langchain-google-genai", langchain_google_genai),
}
# Its form of a nested object with free keys is a string, whatever the schema says, and that of an argument unless
# `additionalProperties` is a schema that says something. The server reads such a string as JSON.
OBJECTS_AS_TEXT = {"langchain-google-genai"}


# --- What the provider was sent ---


def sent(request):
    """Returns the tools of a request as `name -> (schema, strict)`, whichever provider's form it has."""
    tools = {}
    for tool in request.get("tools", []):
        if "functionDeclarations" in tool:
            for function in tool["functionDeclarations"]:
                forms = ("parameters", "parametersJsonSchema", "parameters_json_schema")
                schema = next((function[form] for form in forms if function.get(form)), {})
                tools[function["name"]] = (schema, None)
        elif "function" in tool:
            function = tool["function"]
            tools[function["name"]] = (function.get("parameters") or {}, function.get("strict"))
        else:
            tools[tool["name"]] = (tool["input_schema"], tool.get("strict"))
    return tools


def object_form(schema):
    """Returns the object among the forms that a value may have, or None."""
    forms = [schema, *schema.get("anyOf", [])]
    return next((form for form in forms if str(form.get("type", "")).lower() == "object"), None)


def compare(path, listed, converted, as_text):
    """Yields what `converted` has lost of the listed schema; appends to `as_text`, if that is a list, rather than yield,
    an object with free keys that became a string."""
    if converted is None:
        yield f"{path}: is missing"
        return
    kind = listed.get("type")
    if kind == "object" and not listed.get("properties"):
        yield from free(path, converted, as_text)
    for name, member in listed.get("properties", {}).items():
        yield from compare(f"{path}.{name}", member, properties(converted).get(name), as_text)
    if kind == "array":
        members = (object_form(listed["items"]) or {}).get("properties", {})
        text = json.dumps(converted)
        lost = sorted(name for name in members if name not in text)
        if lost:
            yield f"{path}: the members {', '.join(lost)} are lost, which leaves {text}"
        items = properties(converted.get("items") or {})
        for name in sorted(members.keys() & items.keys()):
            yield from compare(f"{path}[].{name}", members[name], items[name], as_text)


def properties(converted):
    return (object_form(converted) or converted).get("properties") or {}


def free(path, converted, as_text):
    """Yields what is wrong with the converted form of an object with free keys."""
    form = object_form(converted)
    if form is None and str(converted.get("type", "object")).lower() != "object":
        if as_text is not None and converted["type"] == "STRING":
            as_text.append(path)
        else:
            yield f"{path}: an object with free keys became {json.dumps(converted)}"
    elif form and form.get("additionalProperties") is False:
        yield f"{path}: an object with free keys became a closed one: {json.dumps(form)}"


async def judged(name, target):
    """Runs one framework, and returns its line."""
    package, run = FRAMEWORKS[name]
    line = {"framework": name, "version": version(package), "mcp": version("mcp")}
    listed = target.listed()
    with Provider() as provider:
        try:
            await run(target, provider)
        except Exception as error:
            print(traceback.format_exc(), file=sys.stderr)
            return line | {"faults": [f"it fails with {innermost(error)}"]}
        if len(provider.requests) != 1:
            return line | {"faults": [f"it sent {len(provider.requests)} requests to the provider"]}
        converted = sent(provider.requests[0])
    as_text = [] if name in OBJECTS_AS_TEXT else None
    faults = [f"{tool}: the tool is lost" for tool in sorted(listed.keys() - converted.keys())]
    faults += [f"{tool}: there is no such tool" for tool in sorted(converted.keys() - listed.keys())]
    for tool in sorted(listed.keys() & converted.keys()):
        schema = listed[tool]
        # A function without parameters may have no schema at all.
        if schema.get("properties"):
            faults += compare(tool, schema, converted[tool][0], as_text)
    line |= {"tools": len(converted), "strict": sum(strict is True for _, strict in converted.values())}
    if as_text:
        line["as_text"] = as_text
    return line | ({"faults": faults} if faults else {})


def innermost(error):
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def main():
    dev_json, url, *names = sys.argv[1:]
    os.environ.update(QUIET)
    logging.disable(logging.WARNING)
    target = Target(json.loads(Path(dev_json).read_text(encoding="utf-8")), url)
    lines = [asyncio.run(judged(name, target)) for name in names]
    for line in lines:
        print(json.dumps(line, ensure_ascii=False))
    return 1 if any("faults" in line for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
