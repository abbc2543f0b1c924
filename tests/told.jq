# SPDX-License-Identifier: ISC
# What the tests ask of the played CI's builds and of the tools' records.

# Of a build: the workflow that it names, and whether its seal is in its
# environment as well.
def workflow: .meta_data["tack:workflow"];
def sealed_twice: .env.TACK_REF == .meta_data["tack:ref"];

# Of builds: one thing of each, after its workflow's name, in their order.
def by_workflow(f): sort_by(workflow) | map("\(workflow) \(f)") | join(" ");

# Of builds: those of a pipeline; that of a number; that of an id.
def of_pipeline($rkey): map(select(.meta_data["tack:pipeline_rkey"] == $rkey));
def of_id($id): map(select(.id == $id))[0];

# Of an object: a line NAME=VALUE for each member.
def variables: to_entries | sort_by(.key)[] | "\(.key)=\(.value)";

# Of a record: its workflow, what stands, and why.
def stands: "\(.ref.workflow) \(.build.status)";
def status_of: "\(.build.status) \(.build.error)";
def published: "\(.status.workflow) \(.status.status) \(.status.error)";
