"""An agent of openai-agents with one MCP server: `python agents_client.py '{"url": …, "headers": …}'`."""

import asyncio
import json
import sys

from agents import Agent, Runner, set_tracing_disabled
from agents.mcp import MCPServerStreamableHttp


async def main(url, headers, model, prompt):
    set_tracing_disabled(True)
    params = {"url": url, "headers": headers, "timeout": 60}
    async with MCPServerStreamableHttp(params, client_session_timeout_seconds=60) as server:
        agent = Agent(name="peer", model=model, mcp_servers=[server])
        print((await Runner.run(agent, prompt, max_turns=20)).final_output)


asyncio.run(main(**json.loads(sys.argv[1])))
