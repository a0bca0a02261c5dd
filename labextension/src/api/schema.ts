// Generated from the OpenAPI document by `npm run types`; do not edit.
export interface paths {
    "/blobs/missing": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Missing
         * @description Which of these digests are not stored, so that a client sends only what is new.
         */
        post: operations["missing_blobs_missing_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/blobs/{digest}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get Blob */
        get: operations["get_blob_blobs__digest__get"];
        /**
         * Put Blob
         * @description Store a body under its digest. A body with another digest is refused and not kept.
         */
        put: operations["put_blob_blobs__digest__put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List Endpoints */
        get: operations["list_endpoints_endpoints_get"];
        /**
         * Deploy
         * @description Serve a model; over a live endpoint the old revision answers until the new one has loaded.
         */
        put: operations["deploy_endpoints_put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get Endpoint */
        get: operations["get_endpoint_endpoints__name__get"];
        put?: never;
        post?: never;
        /**
         * Remove Endpoint
         * @description Take it down; requests under way are answered first.
         */
        delete: operations["remove_endpoint_endpoints__name__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{name}/console": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Open Console
         * @description Open a console on a live replica, waking the endpoint first; sent again with its key before the lease is over, it
         *     stays open. Its requests are no traffic.
         */
        post: operations["open_console_endpoints__name__console_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{name}/console/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Close Console
         * @description End a console: a replica that was drained for it takes requests again.
         */
        delete: operations["close_console_endpoints__name__console__key__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{name}/decisions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Decisions
         * @description What the autoscaler decided, newest first.
         */
        get: operations["list_decisions_endpoints__name__decisions_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{name}/load": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Load
         * @description What the endpoint does now, its cold starts and its cost so far.
         */
        get: operations["get_load_endpoints__name__load_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{name}/revisions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Revisions
         * @description What it was given to serve, newest first.
         */
        get: operations["list_revisions_endpoints__name__revisions_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{name}/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Roll Back Endpoint
         * @description Bring back the shares from before the last change.
         */
        post: operations["roll_back_endpoint_endpoints__name__rollback_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{name}/scale": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Scale Endpoint
         * @description Set the bounds of the number of replicas, until the next deployment.
         */
        put: operations["scale_endpoint_endpoints__name__scale_put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{name}/traffic": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Share Traffic
         * @description Give the traffic other shares.
         */
        put: operations["share_traffic_endpoints__name__traffic_put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/endpoints/{name}/wake": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Wake Endpoint
         * @description Have a replica although nobody calls yet.
         */
        post: operations["wake_endpoint_endpoints__name__wake_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read Events
         * @description The event log. With `Accept: text/event-stream` it goes on for ever; `Last-Event-ID` resumes it without loss or
         *     repetition.
         */
        get: operations["read_events_events_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gc": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Collect
         * @description Delete old jobs and the bytes that nothing refers to.
         */
        post: operations["collect_gc_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/instances": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Instances
         * @description The instance types that jobs and replicas may ask for.
         */
        get: operations["list_instances_instances_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Jobs
         * @description Newest first.
         */
        get: operations["list_jobs_jobs_get"];
        put?: never;
        /**
         * Submit
         * @description Accept a job. The same Idempotency-Key again answers 200 with the first job.
         */
        post: operations["submit_jobs_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/delete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Delete Jobs
         * @description Delete ended jobs with their logs and metrics. All of them, or none when one has not ended.
         */
        post: operations["delete_jobs_jobs_delete_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stop Jobs
         * @description Ask for the end of many jobs at once; answers with those that had not ended.
         */
        post: operations["stop_jobs_jobs_stop_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{before}/diff/{after}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Diff Jobs
         * @description What changed from one job to another: code, inputs, environment, options, metrics.
         */
        get: operations["diff_jobs_jobs__before__diff__after__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{job}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Job
         * @description By id, or the newest of that name.
         */
        get: operations["get_job_jobs__job__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{job}/attempts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List Attempts */
        get: operations["list_attempts_jobs__job__attempts_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{job}/displays": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read Displays */
        get: operations["read_displays_jobs__job__displays_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{job}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read Logs
         * @description A page of what the job printed after a position. With `Accept: text/event-stream` it follows the job to its end.
         */
        get: operations["read_logs_jobs__job__logs_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{job}/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read Metrics
         * @description Every point of every attempt. There may be a million, so they are sent as they are read.
         */
        get: operations["read_metrics_jobs__job__metrics_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{job}/outputs/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read Output
         * @description The stored bytes of an output; `X-Slml-Format` and `X-Slml-Digest` say what they are.
         */
        get: operations["read_output_jobs__job__outputs__name__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{job}/parts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read Parts
         * @description The parts of a batch job and its progress, also of one that runs.
         */
        get: operations["read_parts_jobs__job__parts_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{job}/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read Search
         * @description The same as a card shows it, bounded.
         */
        get: operations["read_search_jobs__job__search_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{job}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stop Job
         * @description Ask for its end. Asking again changes nothing.
         */
        post: operations["stop_job_jobs__job__stop_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{job}/trials": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read Trials
         * @description The trials of a tuning job, also of one that runs.
         */
        get: operations["read_trials_jobs__job__trials_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{job}/wait": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Wait For Job
         * @description The job as soon as it is final (or newer than `revision`), else after `timeout` seconds as it is then.
         */
        get: operations["wait_for_job_jobs__job__wait_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Models
         * @description Every model with its newest version.
         */
        get: operations["list_models_models_get"];
        put?: never;
        /**
         * Register
         * @description Register an output of a succeeded job as the next version of a model.
         */
        post: operations["register_models_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/decide": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Decide
         * @description Approve or reject a version.
         */
        post: operations["decide_models_decide_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import Model
         * @description Register bytes that lie in the store as the next version of a model.
         */
        post: operations["import_model_models_import_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/promote": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Promote
         * @description Move a version to a stage, or point an alias at it, if its gate holds. A gate that does not is answered 409
         *     `gate_failed`, with every term and the numbers that it saw.
         */
        post: operations["promote_models_promote_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Roll Back
         * @description Take back the last move of a stage or an alias.
         */
        post: operations["roll_back_models_rollback_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get Model */
        get: operations["get_model_models__name__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/{name}/aliases/{alias}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove Alias */
        delete: operations["remove_alias_models__name__aliases__alias__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/{name}/transitions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Transitions
         * @description The moves of a model, or of one version of it, newest first.
         */
        get: operations["list_transitions_models__name__transitions_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/{name}/versions/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get Version */
        get: operations["get_version_models__name__versions__number__get"];
        put?: never;
        post?: never;
        /**
         * Delete Version
         * @description Refused while an endpoint serves it, while it is in staging or production, and while an alias points at it.
         */
        delete: operations["delete_version_models__name__versions__number__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/{name}/versions/{number}/artifact": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read Artifact
         * @description The stored bytes; `X-Slml-Format` and `X-Slml-Digest` say what they are.
         */
        get: operations["read_artifact_models__name__versions__number__artifact_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/{name}/versions/{number}/baseline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read Baseline
         * @description Counts per feature and prediction of the training data, as JSON.
         */
        get: operations["read_baseline_models__name__versions__number__baseline_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/{name}/versions/{number}/card": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read Card
         * @description The model card: a page with everything that is known of the version.
         */
        get: operations["read_card_models__name__versions__number__card_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/{name}/versions/{number}/evidence": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Evidence
         * @description What was measured of a version, newest first.
         */
        get: operations["list_evidence_models__name__versions__number__evidence_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/references/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Diff Versions
         * @description What changed from one version to another: metrics, parameters, signature, code, inputs, packages.
         */
        get: operations["diff_versions_references_diff_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/references/resolve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Resolve
         * @description The version that a reference means now.
         */
        get: operations["resolve_references_resolve_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read Settings */
        get: operations["read_settings_settings_get"];
        /**
         * Write Settings
         * @description Store new settings; they hold from the daemon's next start (`jupyter slml connect` restarts it).
         */
        put: operations["write_settings_settings_put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/shutdown": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Shutdown
         * @description Leave after this answer.
         */
        post: operations["shutdown_shutdown_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Status */
        get: operations["status_status_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List Tokens */
        get: operations["list_tokens_tokens_get"];
        put?: never;
        /**
         * Make Token
         * @description A new token, which opens from now on; its secret is shown this once.
         */
        post: operations["make_token_tokens_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tokens/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove Token
         * @description Take a token back, by id or name; the gateway refuses it from now on.
         */
        delete: operations["remove_token_tokens__key__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Artifact
         * @description Named bytes that a job produced, stored under their digest.
         */
        Artifact: {
            /** Baseline */
            baseline?: string | null;
            /** Digest */
            digest: string;
            /** Format */
            format: string;
            /** Name */
            name: string;
            /** Signature */
            signature?: {
                [key: string]: components["schemas"]["JsonValue"];
            } | null;
            /** Size */
            size: number;
            /** Type */
            type: string;
        };
        /**
         * Attempt
         * @description One execution of a job.
         */
        Attempt: {
            /** Created At */
            created_at: number;
            /** Ended At */
            ended_at?: number | null;
            /** First Line At */
            first_line_at?: number | null;
            /** Host */
            host?: string | null;
            /** Id */
            id: string;
            /** Job */
            job: string;
            /** Number */
            number: number;
            outcome?: components["schemas"]["Outcome"] | null;
            /** Pid */
            pid?: number | null;
            /** Started At */
            started_at?: number | null;
            state: components["schemas"]["AttemptState"];
        };
        /** AttemptList */
        AttemptList: {
            /** Attempts */
            attempts: components["schemas"]["Attempt"][];
        };
        /**
         * AttemptState
         * @description Observed state of one execution of a job.
         * @enum {string}
         */
        AttemptState: "submitted" | "running" | "succeeded" | "failed" | "stopped" | "timed_out" | "lost";
        /**
         * BatchModel
         * @description The registered version that predicts. Its bytes are the capture `MODEL`.
         */
        BatchModel: {
            /** Digest */
            digest: string;
            /** Format */
            format: string;
            /** Reference */
            reference: string;
            /** Signature */
            signature?: {
                [key: string]: components["schemas"]["JsonValue"];
            } | null;
        };
        /**
         * BatchSpec
         * @description A batch job as it is submitted.
         */
        BatchSpec: {
            /**
             * Allow Pickle
             * @description Allow a model that is stored as a pickle, which runs code when it is loaded.
             * @default false
             */
            allow_pickle: boolean;
            /**
             * Batch Rows
             * @description Rows that are predicted at once. They bound the memory.
             * @default 65536
             */
            batch_rows: number;
            /**
             * Format
             * @description Format of the input: parquet, csv, jsonl or arrow. auto: by the names of the files.
             * @default auto
             * @enum {string}
             */
            format: "auto" | "parquet" | "csv" | "jsonl" | "arrow";
            /**
             * Header
             * @description Whether CSV files have a header. auto: yes, unless their first line has only numbers.
             * @default auto
             * @enum {string}
             */
            header: "auto" | "yes" | "no";
            /** Input */
            input?: string[];
            /**
             * Input Filter
             * @description Columns that the model gets, as SageMaker writes them: $['a','b'], $.a, $[1:], $[0,2].
             * @default $
             */
            input_filter: string;
            /**
             * Join Source
             * @description input: as --keep all. none: as --keep none.
             */
            join_source?: ("input" | "none") | null;
            /**
             * Keep
             * @description Input columns that stand beside the predictions: all, none, or their names. Unset: all.
             */
            keep?: string[];
            /**
             * Max Errors
             * @description Records that may fail: a number, or a share of all rows such as 1%. One more ends the job.
             * @default 0
             */
            max_errors: string;
            model?: components["schemas"]["BatchModel"] | null;
            /** Output */
            output: string;
            /**
             * Output Filter
             * @description Columns of the output, chosen after the join: $['id','prediction'], $[0,-1]. SageMakerOutput means the predictions.
             * @default $
             */
            output_filter: string;
            /**
             * Output Format
             * @description Format of the output. auto: the input's; of a DataFrame parquet.
             * @default auto
             * @enum {string}
             */
            output_format: "auto" | "parquet" | "csv" | "jsonl" | "arrow";
            /**
             * Overwrite
             * @description Delete what an earlier batch job left in the output.
             * @default false
             */
            overwrite: boolean;
            /**
             * Parallel
             * @description Parts at the same time. Unset: one per core of the instance type.
             */
            parallel?: number | null;
            /**
             * Part Retries
             * @description Try a part again so many times when its process dies or cannot write.
             * @default 2
             */
            part_retries: number;
            /**
             * Part Rows
             * @description Rows of a part at most, as far as row groups allow. A part is what a retry does again.
             * @default 1000000
             */
            part_rows: number;
            /**
             * Resume
             * @description Go on where an earlier batch job with the same input, model and options ended.
             * @default false
             */
            resume: boolean;
        };
        /**
         * Capture
         * @description One notebook name that travels with the cell, content-addressed.
         */
        Capture: {
            /** Digest */
            digest: string;
            /** Format */
            format: string;
            /** Name */
            name: string;
            /** Size */
            size: number;
            /** Type */
            type: string;
        };
        /**
         * CellError
         * @description The user's own exception: their frames with the cell's line numbers, ours left out.
         */
        CellError: {
            /** Ename */
            ename: string;
            /** Evalue */
            evalue: string;
            /** Line */
            line?: number | null;
            /** Traceback */
            traceback: string[];
        };
        /**
         * Change
         * @description One thing that differs. `before` or `after` is None where one side does not have it.
         */
        Change: {
            after?: components["schemas"]["JsonValue"];
            before?: components["schemas"]["JsonValue"];
            /** Name */
            name: string;
            /** What */
            what: string;
        };
        /**
         * ClusterStatus
         * @description What the cluster looks like now.
         */
        ClusterStatus: {
            /** Address */
            address?: string | null;
            /** Connected */
            connected: boolean;
            /** Hosts */
            hosts?: components["schemas"]["Host"][];
            /**
             * Owned
             * @default true
             */
            owned: boolean;
            /**
             * Problem
             * @default
             */
            problem: string;
        };
        /**
         * ColdStarts
         * @description The newest starts of replicas, from the order until the gateway knew them.
         */
        ColdStarts: {
            /** Count */
            count: number;
            /** Median */
            median?: number | null;
            /** Phases */
            phases?: {
                [key: string]: number;
            };
        };
        /**
         * Collect
         * @description What may go: jobs that ended so long ago, except the newest of each name.
         */
        Collect: {
            /**
             * Dry Run
             * @default false
             */
            dry_run: boolean;
            /**
             * Keep
             * @description How many of each name stay, however old.
             * @default 5
             */
            keep: number;
            /**
             * Older Than
             * @description Seconds since the job ended.
             * @default 2592000
             */
            older_than: number;
        };
        /**
         * Collected
         * @description What went, or would go.
         */
        Collected: {
            /** Bytes */
            bytes: number;
            /** Dry Run */
            dry_run: boolean;
            /** Jobs */
            jobs: string[];
            /** Objects */
            objects: number;
            /** Uploads */
            uploads: number;
        };
        /**
         * ConsoleSpec
         * @description A console on a replica of an endpoint. Sent again with the same `key`, it keeps the console open.
         */
        ConsoleSpec: {
            /**
             * By
             * @description Who opens it, for the log.
             * @default
             */
            by: string;
            /**
             * Drain
             * @description Take the replica out of rotation while the console is open.
             * @default false
             */
            drain: boolean;
            /** Key */
            key?: string;
            /**
             * Replica
             * @description Unset: the least busy one.
             */
            replica?: string | null;
        };
        /**
         * ConsoleView
         * @description An open console. It ends `lease` seconds after it was asked for last.
         */
        ConsoleView: {
            /** Connection File */
            connection_file: string;
            /** Drain */
            drain: boolean;
            /** Endpoint */
            endpoint: string;
            /** Key */
            key: string;
            /** Lease */
            lease: number;
            /** Model */
            model: string;
            /** Replica */
            replica: string;
            /** Version */
            version: number;
        };
        /** Counts */
        Counts: {
            /** Endpoints */
            endpoints: number;
            /** Jobs */
            jobs: {
                [key: string]: number;
            };
            /** Models */
            models: number;
        };
        /**
         * Decision
         * @description One decision of the autoscaler, with what it saw.
         */
        Decision: {
            /** After */
            after: number;
            /** At */
            at: number;
            /** Before */
            before: number;
            /** Endpoint */
            endpoint: string;
            /** Id */
            id: number;
            /** Inputs */
            inputs?: {
                [key: string]: number;
            };
            /** Reason */
            reason: string;
            /** Revision */
            revision: string;
        };
        /**
         * DecisionList
         * @description Newest first.
         */
        DecisionList: {
            /** Decisions */
            decisions: components["schemas"]["Decision"][];
        };
        /**
         * DecisionSpec
         * @description Approve or reject a version.
         */
        DecisionSpec: {
            /**
             * Actor
             * @default
             */
            actor: string;
            /**
             * Approval
             * @enum {string}
             */
            approval: "approved" | "rejected" | "pending";
            /** Model */
            model: string;
            /**
             * Reason
             * @default
             */
            reason: string;
        };
        /** DeleteMany */
        DeleteMany: {
            /** Jobs */
            jobs: string[];
        };
        /**
         * DeploySpec
         * @description What an endpoint shall serve.
         */
        DeploySpec: {
            /**
             * Allow Pickle
             * @description Allow a model that is stored as a pickle, which runs code when it is loaded.
             * @default false
             */
            allow_pickle: boolean;
            /**
             * Concurrency
             * @description Requests in flight per replica that the concurrency policy aims at.
             * @default 8
             */
            concurrency: number;
            /**
             * Follow
             * @description Follow the reference: when it moves to another version, the endpoint does, too.
             * @default false
             */
            follow: boolean;
            /**
             * Idle
             * @description Time without requests after which the last replica may sleep.
             * @default 60
             */
            idle: number;
            /**
             * Instance
             * @description Instance type of a replica.
             * @default cpu.micro
             */
            instance: string;
            /**
             * Max Body
             * @description Largest body in bytes.
             * @default 6291456
             */
            max_body: number;
            /**
             * Max Queue
             * @description Requests that may wait; one more is answered 429.
             * @default 1000
             */
            max_queue: number;
            /**
             * Max Replicas
             * @description Replicas at most.
             * @default 4
             */
            max_replicas: number;
            /**
             * Min Replicas
             * @description Replicas that always run. 0: the endpoint sleeps while nobody calls and wakes with the next request.
             * @default 0
             */
            min_replicas: number;
            /**
             * Model
             * @description NAME, NAME@VERSION, NAME@ALIAS or NAME@STAGE.
             */
            model: string;
            /**
             * Name
             * @description Name of the endpoint. Unset: the model's name.
             */
            name?: string | null;
            /**
             * Policy
             * @description How replicas follow load. latency: enough for --target-latency. concurrency: one for each --concurrency requests in flight. fixed: --max replicas while awake.
             * @default latency
             * @enum {string}
             */
            policy: "latency" | "concurrency" | "fixed";
            /**
             * Record
             * @description Share of the requests whose body and answer are kept in the request log (0.01: one in a hundred).
             * @default 0
             */
            record: number;
            /**
             * Redact
             * @description A column that is left out of the request log. May be repeated.
             */
            redact?: string[];
            sample?: components["schemas"]["JsonValue"];
            /**
             * Schedule
             * @description A minimum by time, 'CRON=N' ('0 8 * * 1-5=2': from 8:00 on working days). May be repeated; the latest one that has come holds.
             */
            schedule?: string[];
            /**
             * Target Latency
             * @description The 95th percentile that the latency policy aims at: 20ms, 0.1s.
             * @default 0.1
             */
            target_latency: number;
            /**
             * Timeout
             * @description Time that one request may take, waiting included.
             * @default 30
             */
            timeout: number;
            /**
             * Warm
             * @description Replicas kept loaded ahead, out of rotation: they join at once when they are needed.
             * @default 0
             */
            warm: number;
            /**
             * Weight
             * @description Share of the traffic in percent; what was served before keeps the rest.
             * @default 100
             */
            weight: number;
        };
        /**
         * Desired
         * @description What somebody asked for, kept apart from what is observed.
         * @enum {string}
         */
        Desired: "run" | "stop";
        /** Digests */
        Digests: {
            /** Digests */
            digests: string[];
        };
        /**
         * Displays
         * @description Rich outputs as nbformat output dictionaries.
         */
        Displays: {
            /** Outputs */
            outputs: {
                [key: string]: components["schemas"]["JsonValue"];
            }[];
        };
        /** EndpointList */
        EndpointList: {
            /** Endpoints */
            endpoints: components["schemas"]["EndpointView"][];
        };
        /**
         * EndpointLoad
         * @description Figures of one endpoint over the last `window` seconds; None where nothing was measured.
         */
        EndpointLoad: {
            /** At */
            at: number;
            cold_starts: components["schemas"]["ColdStarts"];
            /** Cost */
            cost: number;
            /** Error Rate */
            error_rate: number;
            /**
             * In Flight
             * @default 0
             */
            in_flight: number;
            /** P50 */
            p50?: number | null;
            /** P95 */
            p95?: number | null;
            /** P99 */
            p99?: number | null;
            /** Rate */
            rate: number;
            /** Rates */
            rates?: {
                [key: string]: number;
            };
            /**
             * Ready
             * @default 0
             */
            ready: number;
            /** Refused Rate */
            refused_rate: number;
            /** Replica Seconds */
            replica_seconds: number;
            /** Requests */
            requests: number;
            /**
             * Standby
             * @default 0
             */
            standby: number;
            /**
             * Waiting
             * @default 0
             */
            waiting: number;
            /** Window */
            window: number;
        };
        /**
         * EndpointState
         * @description Observed state of an endpoint.
         * @enum {string}
         */
        EndpointState: "starting" | "ready" | "sleeping" | "degraded" | "failed" | "stopping" | "stopped";
        /**
         * EndpointView
         * @description An endpoint with what answers on it.
         */
        EndpointView: {
            /** Created At */
            created_at: number;
            /** @default run */
            desired: components["schemas"]["Desired"];
            /** Error */
            error?: {
                [key: string]: components["schemas"]["JsonValue"];
            } | null;
            /** Max Replicas */
            max_replicas?: number | null;
            /** Min Replicas */
            min_replicas?: number | null;
            /** Model */
            model: string;
            /** Name */
            name: string;
            /** Previous */
            previous?: {
                [key: string]: number;
            };
            /**
             * Reason
             * @default
             */
            reason: string;
            /** Replicas */
            replicas: components["schemas"]["Replica"][];
            /** Revision */
            revision: string;
            /** Revisions */
            revisions?: components["schemas"]["RevisionView"][];
            /** Scale */
            scale?: {
                [key: string]: number;
            };
            /** Serving */
            serving?: string | null;
            spec: components["schemas"]["DeploySpec"];
            state: components["schemas"]["EndpointState"];
            /** Traffic */
            traffic?: {
                [key: string]: number;
            };
            /** Updated At */
            updated_at: number;
            /** Url */
            url: string;
            /** Version */
            version: number;
        };
        /**
         * Event
         * @description One line of the append-only log; `id` rises without gaps in the order of the commits.
         */
        Event: {
            /** At */
            at: number;
            /** Data */
            data?: {
                [key: string]: components["schemas"]["JsonValue"];
            };
            /** Id */
            id: number;
            /** Kind */
            kind: string;
            /** Subject */
            subject: string;
            /** Subject Id */
            subject_id: string;
        };
        /** EventPage */
        EventPage: {
            /** Events */
            events: components["schemas"]["Event"][];
            /** Last */
            last: number;
        };
        /**
         * Evidence
         * @description Measurements of a version that gates may ask for.
         */
        Evidence: {
            /** At */
            at: number;
            /** Curves */
            curves?: string | null;
            /** Id */
            id: number;
            /** Job */
            job?: string | null;
            /**
             * Kind
             * @enum {string}
             */
            kind: "evaluation" | "endpoint";
            /** Metrics */
            metrics: {
                [key: string]: number;
            };
            /** Model */
            model: string;
            /** Name */
            name: string;
            /** Number */
            number: number;
        };
        /**
         * EvidenceList
         * @description Newest first.
         */
        EvidenceList: {
            /** Evidence */
            evidence: components["schemas"]["Evidence"][];
        };
        /**
         * Fingerprint
         * @description The environment in which the cell was written: Python `major.minor.micro` and the versions of known packages.
         */
        Fingerprint: {
            /** Packages */
            packages?: {
                [key: string]: string;
            };
            /** Python */
            python: string;
        };
        /** GatewayStatus */
        GatewayStatus: {
            /** Alive */
            alive: boolean;
            /** Pid */
            pid?: number | null;
            /** Problem */
            problem?: string | null;
            /** Url */
            url: string | null;
        };
        /** HTTPValidationError */
        HTTPValidationError: {
            /** Detail */
            detail?: components["schemas"]["ValidationError"][];
        };
        /**
         * Host
         * @description A worker's host as the cluster shows it.
         */
        Host: {
            /** Address */
            address: string;
            /** Cpus */
            cpus: number;
            /** Free Cpus */
            free_cpus: number;
            /** Free Memory */
            free_memory: number;
            /** Memory */
            memory: number;
            /** Name */
            name: string;
        };
        /**
         * ImportSpec
         * @description Register bytes that came from elsewhere and are in the store already.
         *
         *     The importer has read them in a process of its own; the daemon checks the digest and never loads them.
         */
        ImportSpec: {
            /**
             * Allow Pickle
             * @default false
             */
            allow_pickle: boolean;
            /** Baseline */
            baseline?: string | null;
            /**
             * Description
             * @default
             */
            description: string;
            /** Digest */
            digest: string;
            /** Environment */
            environment?: {
                [key: string]: string;
            };
            /** Format */
            format: string;
            /** Metrics */
            metrics?: {
                [key: string]: number;
            };
            /** Model */
            model: string;
            /** Parameters */
            parameters?: {
                [key: string]: components["schemas"]["JsonValue"];
            };
            /** Signature */
            signature?: {
                [key: string]: components["schemas"]["JsonValue"];
            } | null;
            /** Size */
            size: number;
            /**
             * Source
             * @default
             */
            source: string;
            /** Tags */
            tags?: {
                [key: string]: string;
            };
            /** Type */
            type: string;
        };
        /** InstanceList */
        InstanceList: {
            /** Instances */
            instances: components["schemas"]["InstanceType"][];
        };
        /**
         * InstanceSettings
         * @description A user's own instance type, or other figures for one of ours.
         */
        InstanceSettings: {
            /**
             * Cpus
             * @description Cores; a fraction is allowed.
             */
            cpus: number;
            /**
             * Disk Gib
             * @description Scratch space of one attempt.
             * @default 32
             */
            disk_gib: number;
            /**
             * Gpus
             * @description GPUs, given to the job by CUDA_VISIBLE_DEVICES.
             * @default 0
             */
            gpus: number;
            /**
             * Limit
             * @description How many may run at once.
             */
            limit?: number | null;
            /**
             * Memory Gib
             * @description Memory over the start of the process.
             */
            memory_gib: number;
            /**
             * Price
             * @description Price of one hour.
             * @default 0
             */
            price: number;
        };
        /**
         * InstanceType
         * @description What a job or replica may use.
         */
        InstanceType: {
            /** Cpus */
            cpus: number;
            /**
             * Disk
             * @default 34359738368
             */
            disk: number;
            /**
             * Gpus
             * @default 0
             */
            gpus: number;
            /** Limit */
            limit?: number | null;
            /**
             * Memory
             * @description Bytes.
             */
            memory: number;
            /** Name */
            name: string;
            /**
             * Price
             * @default 0
             */
            price: number;
        };
        /**
         * JobDiff
         * @description The difference from one job to another.
         */
        JobDiff: {
            /** After */
            after: string;
            /** Before */
            before: string;
            /** Changes */
            changes: components["schemas"]["Change"][];
            /** Code */
            code: string[];
        };
        /** JobIds */
        JobIds: {
            /** Jobs */
            jobs: string[];
        };
        /**
         * JobKind
         * @enum {string}
         */
        JobKind: "training" | "tuning" | "batch" | "processing" | "notebook";
        /** JobPage */
        JobPage: {
            /** Jobs */
            jobs: components["schemas"]["JobSummary"][];
            /** Next */
            next: string | null;
            /** Total */
            total: number;
        };
        /**
         * JobSpec
         * @description A job as it is submitted and stored: options, the cell and everything that it needs.
         */
        JobSpec: {
            /**
             * After
             * @description Start only when this job (id or name) has succeeded. May be repeated.
             */
            after?: string[];
            /**
             * Allow Pickle
             * @description Allow --register to keep a model as a pickle, which runs code when it is loaded.
             * @default false
             */
            allow_pickle: boolean;
            /**
             * Autolog
             * @description Log the metrics of xgboost, scikit-learn and lightgbm by themselves.
             * @default true
             */
            autolog: boolean;
            /**
             * Backoff
             * @description Seconds before the first retry of a failure of the cell; doubled for each further one.
             * @default 1
             */
            backoff: number;
            batch?: components["schemas"]["BatchSpec"] | null;
            bundle?: components["schemas"]["SourceBundle"] | null;
            /** Captures */
            captures?: components["schemas"]["Capture"][];
            /**
             * Env
             * @description Pass an environment variable of the kernel to the job. May be repeated.
             */
            env?: {
                [key: string]: string;
            };
            /** Evaluates */
            evaluates?: string | null;
            fingerprint?: components["schemas"]["Fingerprint"] | null;
            /**
             * Grace
             * @description Seconds between SIGTERM and SIGKILL when the job is stopped.
             * @default 5
             */
            grace: number;
            /**
             * Input Mode
             * @description file: inputs are downloaded once per worker host before the cell starts. stream: slml.inputs[NAME] opens them where they are.
             * @default file
             * @enum {string}
             */
            input_mode: "file" | "stream";
            /**
             * Inputs
             * @description An input channel from a URI, file, directory or glob; the cell finds it as slml.inputs[NAME]. May be repeated.
             */
            inputs?: {
                [key: string]: string;
            };
            /**
             * Instance
             * @description Instance type: cpu.micro, cpu.small, cpu.medium, cpu.large, cpu.xlarge, or one of the settings.
             * @default cpu.small
             */
            instance: string;
            /** @default training */
            kind: components["schemas"]["JobKind"];
            /**
             * Memory Retries
             * @description The same when it passes its memory limit.
             * @default 0
             */
            memory_retries: number;
            /**
             * Metric Patterns
             * @description Read a metric off the printed lines: a regular expression with one group. May be repeated.
             */
            metric_patterns?: {
                [key: string]: string;
            };
            /**
             * Name
             * @description Name of the job; later jobs of the same name are its newer runs.
             * @default train
             */
            name: string;
            origin?: components["schemas"]["Origin"];
            /**
             * Outputs
             * @description A variable of the cell to bring back. May be repeated. Unset: all that the cell assigns.
             */
            outputs?: string[];
            /**
             * Parameters
             * @description A parameter, bound as a variable before the cell runs. May be repeated.
             */
            parameters?: {
                [key: string]: components["schemas"]["JsonValue"];
            };
            /**
             * Platform Retries
             * @description The same when the platform loses it (a worker's host dies). These use up no other retries.
             * @default 3
             */
            platform_retries: number;
            /**
             * Priority
             * @description Jobs of a higher priority start first.
             * @default 0
             */
            priority: number;
            /**
             * Register As
             * @description Register the output as a new version of this model when the job succeeds.
             */
            register_as?: string | null;
            /**
             * Register Tags
             * @description A tag of the registered version. May be repeated.
             */
            register_tags?: {
                [key: string]: string;
            };
            /**
             * Retries
             * @description Run the cell again up to so many times when it raises or exits.
             * @default 0
             */
            retries: number;
            /** Source */
            source: string;
            /**
             * Timeout
             * @description End the job after this many seconds.
             */
            timeout?: number | null;
            /**
             * Timeout Retries
             * @description The same when its time is up.
             * @default 0
             */
            timeout_retries: number;
            tuning?: components["schemas"]["TuneSpec"] | null;
        };
        /**
         * JobState
         * @description Observed state of a job.
         * @enum {string}
         */
        JobState: "queued" | "starting" | "running" | "stopping" | "succeeded" | "failed" | "stopped" | "timed_out" | "lost";
        /**
         * JobSummary
         * @description A job as a list shows it.
         */
        JobSummary: {
            /** Created At */
            created_at: number;
            /** Ended At */
            ended_at: number | null;
            /** Id */
            id: string;
            /** Instance */
            instance: string;
            kind: components["schemas"]["JobKind"];
            /** Metrics */
            metrics: {
                [key: string]: number;
            };
            /** Name */
            name: string;
            /** Notebook */
            notebook: string | null;
            /** Reason */
            reason: string;
            /** Registered */
            registered: string | null;
            /** Revision */
            revision: number;
            /** Started At */
            started_at: number | null;
            state: components["schemas"]["JobState"];
        };
        /**
         * JobView
         * @description A job as it is shown: with where its time went and, while it waits, until when that may last.
         */
        JobView: {
            /**
             * Attempts
             * @default 0
             */
            attempts: number;
            /**
             * Blocked
             * @default 0
             */
            blocked: number;
            /** Created At */
            created_at: number;
            /** @default run */
            desired: components["schemas"]["Desired"];
            /** Ended At */
            ended_at?: number | null;
            /** Expected At */
            expected_at?: number | null;
            /** Id */
            id: string;
            /** Key */
            key?: string | null;
            /** Metrics */
            metrics?: {
                [key: string]: number;
            };
            /** Name */
            name: string;
            /** Not Before */
            not_before?: number | null;
            outcome?: components["schemas"]["Outcome"] | null;
            /** Phases */
            phases?: components["schemas"]["Phase"][];
            /**
             * Reason
             * @default
             */
            reason: string;
            /** Registered */
            registered?: string | null;
            /** Retried */
            retried?: {
                [key: string]: number;
            };
            /**
             * Revision
             * @default 0
             */
            revision: number;
            spec: components["schemas"]["JobSpec"];
            /** Started At */
            started_at?: number | null;
            state: components["schemas"]["JobState"];
            /**
             * User
             * @default
             */
            user: string;
        };
        JsonValue: unknown;
        /**
         * LogEntry
         * @description One piece of output.
         */
        LogEntry: {
            /** N */
            n: number;
            /** Q */
            q: number;
            /** S */
            s: string;
            /** T */
            t: number;
            /** X */
            x: string;
        };
        /**
         * LogPage
         * @description A part of a log. Read on after `last`: at once while there is `more`, and later until it is `done`.
         */
        LogPage: {
            /** Done */
            done: boolean;
            /** Entries */
            entries: components["schemas"]["LogEntry"][];
            /** Last */
            last: number;
            /**
             * More
             * @default false
             */
            more: boolean;
        };
        /** MetricPoint */
        MetricPoint: {
            /**
             * Attempt
             * @default 1
             */
            attempt: number;
            /** Step */
            step?: number | null;
            /** T */
            t: number;
            /** Values */
            values: {
                [key: string]: number;
            };
        };
        /** MetricPoints */
        MetricPoints: {
            /** Points */
            points: components["schemas"]["MetricPoint"][];
        };
        /**
         * Missing
         * @description Which of the digests asked about the store does not have.
         */
        Missing: {
            /** Missing */
            missing: string[];
        };
        /**
         * Model
         * @description A registered name.
         */
        Model: {
            /** Created At */
            created_at: number;
            /** Latest */
            latest: number;
            /** Name */
            name: string;
        };
        /** ModelDetail */
        ModelDetail: {
            model: components["schemas"]["Model"];
            /** Versions */
            versions: components["schemas"]["VersionView"][];
        };
        /** ModelList */
        ModelList: {
            /** Models */
            models: components["schemas"]["ModelSummary"][];
        };
        /** ModelSummary */
        ModelSummary: {
            /** Aliases */
            aliases?: {
                [key: string]: number;
            };
            /** Created At */
            created_at: number;
            latest: components["schemas"]["VersionView"];
            /** Name */
            name: string;
            /** Production */
            production?: number | null;
        };
        /**
         * Moved
         * @description A version after it was moved, and the moves that were made: none when it was there already.
         */
        Moved: {
            /** Transitions */
            transitions: components["schemas"]["Transition"][];
            version: components["schemas"]["VersionView"];
        };
        /**
         * NewToken
         * @description A token as it is made: the one time that its secret is shown.
         */
        NewToken: {
            /** Created At */
            created_at: number;
            /** Endpoints */
            endpoints: string[];
            /** Expires At */
            expires_at?: number | null;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Scopes */
            scopes: string[];
            /** Secret */
            secret: string;
        };
        /**
         * Objective
         * @description A metric that shall become as large, or as small, as can be.
         */
        Objective: {
            /**
             * Direction
             * @enum {string}
             */
            direction: "maximize" | "minimize";
            /** Metric */
            metric: string;
        };
        /**
         * Origin
         * @description Where the cell stands.
         */
        Origin: {
            /** Cell Id */
            cell_id?: string | null;
            /** Execution Count */
            execution_count?: number | null;
            /** Git Commit */
            git_commit?: string | null;
            /** Notebook */
            notebook?: string | null;
            /** User */
            user?: string | null;
        };
        /**
         * Outcome
         * @description The one final word on an attempt. Exactly one is ever committed (create-exclusive).
         */
        Outcome: {
            /** Attempt */
            attempt: string;
            /** Cpu Seconds */
            cpu_seconds?: number | null;
            /** Displays */
            displays?: string | null;
            /** Ended At */
            ended_at?: number | null;
            /** Environment */
            environment?: {
                [key: string]: string;
            };
            error?: components["schemas"]["CellError"] | null;
            /** Exit Code */
            exit_code?: number | null;
            /** Files */
            files?: components["schemas"]["Artifact"][];
            /** First Line At */
            first_line_at?: number | null;
            /** Forked At */
            forked_at?: number | null;
            /**
             * Message
             * @default
             */
            message: string;
            /** Metrics */
            metrics?: {
                [key: string]: number;
            };
            /** Notebook */
            notebook?: string | null;
            /** Outputs */
            outputs?: components["schemas"]["Artifact"][];
            /** Peak Memory */
            peak_memory?: number | null;
            reason: components["schemas"]["Reason"];
            /** Skipped */
            skipped?: {
                [key: string]: string;
            };
            state: components["schemas"]["AttemptState"];
        };
        /**
         * PartList
         * @description The parts of a batch job that were begun, and how far it is: `rows` of `rows_total`, `rows_per_second`,
         *     `eta_seconds`, `errors`, `parts` of `parts_total`; a figure that nobody knows is left out.
         */
        PartList: {
            /** Figures */
            figures: {
                [key: string]: number;
            };
            /** Output */
            output: string;
            /** Parts */
            parts: components["schemas"]["PartRecord"][];
        };
        /**
         * PartRecord
         * @description A part's line in the manifest, and what is told of it meanwhile.
         */
        PartRecord: {
            /** At */
            at?: number | null;
            /**
             * Attempt
             * @default
             */
            attempt: string;
            /**
             * Bytes
             * @default 0
             */
            bytes: number;
            /**
             * Errors
             * @default 0
             */
            errors: number;
            /**
             * File
             * @default
             */
            file: string;
            /**
             * Input
             * @default
             */
            input: string;
            /**
             * Message
             * @default
             */
            message: string;
            /** Part */
            part: number;
            /**
             * Rows
             * @default 0
             */
            rows: number;
            /**
             * Seconds
             * @default 0
             */
            seconds: number;
            /**
             * Sha256
             * @default
             */
            sha256: string;
            /**
             * Source
             * @default
             */
            source: string;
            /**
             * Sources
             * @default 1
             */
            sources: number;
            /**
             * State
             * @default committed
             * @enum {string}
             */
            state: "running" | "committed" | "failed";
            /**
             * Tries
             * @default 1
             */
            tries: number;
        };
        /**
         * Phase
         * @description One stretch of time. `end` is None while it lasts.
         */
        Phase: {
            /** End */
            end?: number | null;
            /** Name */
            name: string;
            /** Start */
            start: number;
        };
        /**
         * PromoteSpec
         * @description Move a version to a stage, or point an alias at it.
         */
        PromoteSpec: {
            /**
             * Actor
             * @default
             */
            actor: string;
            /**
             * Gate
             * @description Move only if this holds: 'auc >= 0.9 and auc > production.auc'.
             */
            gate?: string | null;
            /**
             * Model
             * @description NAME@VERSION, NAME@ALIAS or NAME@STAGE.
             */
            model: string;
            /**
             * Reason
             * @description Why, for the log.
             * @default
             */
            reason: string;
            /**
             * To
             * @description A stage (candidate, staging, production, archived) or an alias.
             */
            to: string;
        };
        /**
         * Reason
         * @description Why an attempt ended as it did.
         * @enum {string}
         */
        Reason: "done" | "exception" | "objective" | "output" | "exit" | "memory" | "disk" | "input" | "timeout" | "stop" | "platform";
        /**
         * RegisterSpec
         * @description Register an output of a succeeded job as a new version of a model.
         */
        RegisterSpec: {
            /**
             * Allow Pickle
             * @default false
             */
            allow_pickle: boolean;
            /**
             * Description
             * @default
             */
            description: string;
            /** Job */
            job: string;
            /** Model */
            model: string;
            /**
             * Output
             * @description Which output. Unset: the only model among them.
             */
            output?: string | null;
            /** Tags */
            tags?: {
                [key: string]: string;
            };
        };
        /**
         * Replica
         * @description One serving kernel.
         */
        Replica: {
            /**
             * Console
             * @default
             * @enum {string}
             */
            console: "" | "open" | "drained";
            /** Created At */
            created_at: number;
            /** @default run */
            desired: components["schemas"]["Desired"];
            /** Ended At */
            ended_at?: number | null;
            /** Endpoint */
            endpoint: string;
            /** Host */
            host?: string | null;
            /** Id */
            id: string;
            /** Phases */
            phases?: {
                [key: string]: number;
            };
            /** Pid */
            pid?: number | null;
            /** Ready At */
            ready_at?: number | null;
            /**
             * Reason
             * @default
             */
            reason: string;
            /** Revision */
            revision: string;
            /**
             * Standby
             * @default false
             */
            standby: boolean;
            state: components["schemas"]["ReplicaState"];
        };
        /**
         * ReplicaState
         * @description Observed state of one serving kernel.
         * @enum {string}
         */
        ReplicaState: "submitted" | "loading" | "ready" | "stopped" | "failed" | "lost";
        /**
         * RevisionList
         * @description Newest first.
         */
        RevisionList: {
            /** Revisions */
            revisions: components["schemas"]["RevisionView"][];
        };
        /**
         * RevisionView
         * @description A revision as it is shown; never its token.
         */
        RevisionView: {
            /** Created At */
            created_at: number;
            /** Id */
            id: string;
            /** Instance */
            instance: string;
            /** Model */
            model: string;
            /** Number */
            number: number;
            /** Ready At */
            ready_at?: number | null;
            /** Version */
            version: number;
            /** Weight */
            weight: number;
        };
        /**
         * RollbackSpec
         * @description Take back the last move of a stage or an alias.
         */
        RollbackSpec: {
            /**
             * Actor
             * @default
             */
            actor: string;
            /** Model */
            model: string;
            /**
             * Reason
             * @default
             */
            reason: string;
            /**
             * Seen
             * @description Id of the model's newest move that the caller knows of.
             */
            seen?: number | null;
            /**
             * To
             * @description The stage or alias that goes back to where it was.
             * @default production
             */
            to: string;
        };
        /**
         * ScaleSpec
         * @description Bounds of the number of replicas; what is unset stays as it is.
         */
        ScaleSpec: {
            /** Max Replicas */
            max_replicas?: number | null;
            /** Min Replicas */
            min_replicas?: number | null;
        };
        /**
         * SearchView
         * @description What is known of a search.
         */
        SearchView: {
            best: components["schemas"]["ShownTrial"] | null;
            /** Counts */
            counts: {
                [key: string]: number;
            };
            /** Ended */
            ended: string;
            /**
             * Failed
             * @description The newest.
             */
            failed: components["schemas"]["ShownTrial"][];
            /** Front */
            front: number[];
            /** History */
            history: number[][];
            /** Hoist Note */
            hoist_note: string;
            /** Hoisted */
            hoisted: number;
            /** Importances */
            importances: {
                [key: string]: number;
            };
            /** Most */
            most: number;
            /** Objectives */
            objectives: components["schemas"]["Objective"][];
            /** Parallel */
            parallel: number;
            /** Running */
            running: components["schemas"]["ShownTrial"][];
            /**
             * Trials
             * @description Complete ones.
             */
            trials: components["schemas"]["ShownTrial"][];
        };
        /**
         * Settings
         * @description `settings.json` of a workspace: what `jupyter slml config` shows and sets.
         */
        Settings: {
            /**
             * Approval Required
             * @description Whether only approved versions may go to production.
             * @default false
             */
            approval_required: boolean;
            /**
             * Cache Gib
             * @description Size of each worker host's cache of inputs; the longest unused go first.
             * @default 20
             */
            cache_gib: number;
            /**
             * Gateway Auth
             * @description Whether callers of endpoints must show a token.
             * @default true
             */
            gateway_auth: boolean;
            /**
             * Gateway Certificate
             * @description Certificate chain (PEM): the gateway speaks TLS.
             */
            gateway_certificate?: string | null;
            /**
             * Gateway Host
             * @description Address on which the gateway listens.
             * @default 127.0.0.1
             */
            gateway_host: string;
            /**
             * Gateway Key
             * @description Private key of the certificate (PEM).
             */
            gateway_key?: string | null;
            /**
             * Gateway Open
             * @description Allow an address other than this machine's own without TLS, or without tokens.
             * @default false
             */
            gateway_open: boolean;
            /**
             * Gateway Port
             * @description Port of the gateway. Unset: chosen once, then kept.
             */
            gateway_port?: number | null;
            /**
             * Gateways
             * @description Gateway processes, all on the same port.
             * @default 1
             */
            gateways: number;
            /**
             * Instances
             * @description Instance types of your own, by name (as JSON).
             */
            instances?: {
                [key: string]: components["schemas"]["InstanceSettings"];
            };
            /**
             * Scheduler
             * @description Address of a Dask scheduler to use (tcp://… or tls://…). Unset: our own scheduler and workers.
             */
            scheduler?: string | null;
            /**
             * Store
             * @description URL of the blob store that all workers reach (file:///shared/dir, s3://…). Unset: a local folder.
             */
            store?: string | null;
            /**
             * User Limit
             * @description How many jobs of one user may run at once.
             */
            user_limit?: number | null;
            /**
             * Workers
             * @description Worker processes of our own cluster. Unset: one.
             */
            workers?: number | null;
        };
        /** ShownTrial */
        ShownTrial: {
            /** Last */
            last: [
                number,
                number
            ] | null;
            /** Message */
            message: string;
            /** Number */
            number: number;
            /** Params */
            params: {
                [key: string]: components["schemas"]["JsonValue"];
            };
            /** Seconds */
            seconds: number | null;
            /** Started At */
            started_at: number | null;
            /** Values */
            values: {
                [key: string]: number;
            };
        };
        /**
         * Shutdown
         * @description `drain`: the daemon alone leaves, and everything it started goes on. Otherwise all of it ends.
         */
        Shutdown: {
            /**
             * Drain
             * @default false
             */
            drain: boolean;
        };
        /**
         * SourceBundle
         * @description Local modules and files that travel with the cell: a zip, unpacked where the job runs and put on `sys.path`.
         */
        SourceBundle: {
            /** Digest */
            digest: string;
            /** Files */
            files: string[];
            /** Size */
            size: number;
        };
        /** Status */
        Status: {
            cluster: components["schemas"]["ClusterStatus"];
            counts: components["schemas"]["Counts"];
            gateway: components["schemas"]["GatewayStatus"];
            /** Home */
            home: string;
            /** Pid */
            pid: number;
            /** Started At */
            started_at: number;
            /** Store */
            store: string;
            /** Version */
            version: string;
            /** Workspace */
            workspace: string;
        };
        /**
         * StopMany
         * @description Which jobs to stop: the named ones, or else all unfinished ones in these states or of this name.
         */
        StopMany: {
            /** Jobs */
            jobs?: string[];
            /** Name */
            name?: string | null;
            /** States */
            states?: string[];
        };
        /** Stored */
        Stored: {
            /** Digest */
            digest: string;
            /** Size */
            size: number;
        };
        /**
         * TakeBackSpec
         * @description What an endpoint's rollback takes back; one that serves something else by now stays as it is.
         */
        TakeBackSpec: {
            /** Revision */
            revision: string;
            /** Traffic */
            traffic: {
                [key: string]: number;
            };
        };
        /** TokenList */
        TokenList: {
            /** Tokens */
            tokens: components["schemas"]["TokenView"][];
        };
        /**
         * TokenSpec
         * @description A token for callers of endpoints.
         */
        TokenSpec: {
            /**
             * Endpoints
             * @description An endpoint that it opens. May be repeated. Unset: all ('*').
             */
            endpoints?: string[];
            /**
             * Lifetime
             * @description Time until it expires: 12h, 30d. Unset: never.
             */
            lifetime?: number | null;
            /**
             * Name
             * @description What the token is for.
             */
            name: string;
            /**
             * Scopes
             * @description What it allows: invoke (predict) or metrics (read /metrics). May be repeated. Unset: invoke.
             * @default [
             *       "invoke"
             *     ]
             */
            scopes: ("invoke" | "metrics")[];
        };
        /**
         * TokenView
         * @description A token without its digest.
         */
        TokenView: {
            /** Created At */
            created_at: number;
            /** Endpoints */
            endpoints: string[];
            /** Expires At */
            expires_at?: number | null;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /** Scopes */
            scopes: string[];
        };
        /**
         * TrafficSpec
         * @description Shares of the traffic in percent by revision number or `name@version`; they sum to 100.
         */
        TrafficSpec: {
            /** Weights */
            weights: {
                [key: string]: number;
            };
        };
        /**
         * Transition
         * @description One line of a model's append-only log of moves.
         */
        Transition: {
            /** Actor */
            actor: string;
            /** After */
            after: string | null;
            /** Alias */
            alias?: string | null;
            /** At */
            at: number;
            /** Before */
            before: string | null;
            /** Evidence */
            evidence?: {
                [key: string]: components["schemas"]["JsonValue"];
            } | null;
            /** Id */
            id: number;
            /**
             * Kind
             * @enum {string}
             */
            kind: "stage" | "alias" | "approval";
            /** Model */
            model: string;
            /** Number */
            number: number;
            /**
             * Reason
             * @default
             */
            reason: string;
            /** Undoes */
            undoes?: number | null;
        };
        /**
         * TransitionList
         * @description Newest first.
         */
        TransitionList: {
            /** Transitions */
            transitions: components["schemas"]["Transition"][];
        };
        /**
         * Trial
         * @description One configuration that was tried. Times are epoch seconds by the host's clock.
         */
        Trial: {
            /**
             * Attempt
             * @default 1
             */
            attempt: number;
            /** Cpu Seconds */
            cpu_seconds?: number | null;
            /** Displays */
            displays?: string | null;
            /** Distributions */
            distributions?: {
                [key: string]: string;
            };
            /** Ended At */
            ended_at?: number | null;
            /** Environment */
            environment?: {
                [key: string]: string;
            };
            error?: components["schemas"]["CellError"] | null;
            /** Files */
            files?: components["schemas"]["Artifact"][];
            /** Intermediate */
            intermediate?: [
                number,
                number
            ][];
            /**
             * Message
             * @default
             */
            message: string;
            /** Metrics */
            metrics?: {
                [key: string]: number;
            };
            /** Number */
            number: number;
            /** Outputs */
            outputs?: components["schemas"]["Artifact"][];
            /** Params */
            params?: {
                [key: string]: components["schemas"]["JsonValue"];
            };
            /** Peak Memory */
            peak_memory?: number | null;
            /**
             * Reason
             * @default
             */
            reason: string;
            /** Seed */
            seed?: number | null;
            /** Skipped */
            skipped?: {
                [key: string]: string;
            };
            /**
             * Spent
             * @default 0
             */
            spent: number;
            /** Started At */
            started_at?: number | null;
            /**
             * State
             * @enum {string}
             */
            state: "running" | "complete" | "pruned" | "failed" | "stopped";
            /** System Attrs */
            system_attrs?: {
                [key: string]: components["schemas"]["JsonValue"];
            };
            /** User Attrs */
            user_attrs?: {
                [key: string]: components["schemas"]["JsonValue"];
            };
            /** Values */
            values?: {
                [key: string]: number;
            };
        };
        /**
         * TrialList
         * @description The trials of a tuning job: numbers of the best and of those on the Pareto front.
         */
        TrialList: {
            /** Best */
            best?: number | null;
            /**
             * Ended
             * @default
             */
            ended: string;
            /** Front */
            front?: number[];
            /**
             * Hoist Note
             * @default
             */
            hoist_note: string;
            /**
             * Hoisted
             * @default 0
             */
            hoisted: number;
            /** Importances */
            importances?: {
                [key: string]: number;
            };
            /** Lines */
            lines?: {
                [key: string]: number;
            };
            /**
             * Most
             * @default 0
             */
            most: number;
            /** Objectives */
            objectives: components["schemas"]["Objective"][];
            /**
             * Parallel
             * @default 0
             */
            parallel: number;
            /** Study Attrs */
            study_attrs?: {
                [key: string]: components["schemas"]["JsonValue"];
            };
            /** Trials */
            trials?: components["schemas"]["Trial"][];
        };
        /**
         * TuneSpec
         * @description What a tuning job is told beyond its cell.
         */
        TuneSpec: {
            /**
             * Budget
             * @description End the search when it has cost so much: the price of the instance type times its time.
             */
            budget?: number | null;
            /**
             * Hoist
             * @description Run the leading statements that do not depend on a searched variable once, not in every trial.
             * @default true
             */
            hoist: boolean;
            /**
             * Maximize
             * @description The metric that shall become large: what the cell logs by slml.log or autolog, or the value of its last expression. May be repeated, also with --minimize: then the trials that no other beats in all are the Pareto front.
             */
            maximize?: string[];
            /**
             * Minimize
             * @description The same for one that shall become small.
             */
            minimize?: string[];
            /**
             * Parallel
             * @description Trials that run at once. Unset: one for each cpu of the instance type.
             */
            parallel?: number | null;
            /**
             * Patience
             * @description End the search after so many trials in a row without a better one.
             */
            patience?: number | null;
            /**
             * Pruner
             * @description Which running trials are ended early, by the objective that they log with a step: none, median, percentile, asha, hyperband, threshold, patient, wilcoxon; with parameters: asha:min_resource=5,reduction_factor=3.
             * @default none
             */
            pruner: string;
            /**
             * Sampler
             * @description How the next trial is chosen: tpe, random, grid, qmc, cmaes, nsga2, nsga3, gp, brute; with parameters: tpe:n_startup_trials=20.
             * @default tpe
             */
            sampler: string;
            /**
             * Search
             * @description A searched variable of the cell: max_depth=3..10, eta=0.01..0.3:log, x=0..1:step0.1, booster=gbtree,dart, "gamma=0..5 if booster=gbtree". May be repeated. Unset: the cell calls trial.suggest_float(…) and its like.
             */
            search?: string[];
            /**
             * Seed
             * @description Seed of the sampler and, with a trial's number, of its random numbers. Unset: one of the job's.
             */
            seed?: number | null;
            /**
             * Time Limit
             * @description End the search after this time (90, 10m, 1h); the best trial until then counts.
             */
            time_limit?: number | null;
            /**
             * Trials
             * @description How many trials to run. Unset: 50, or as many as the grid has points.
             */
            trials?: number | null;
            /**
             * Warm Mode
             * @description same: its trials count as known results. transfer: other data or code; only its best values are tried first.
             * @default same
             * @enum {string}
             */
            warm_mode: "same" | "transfer";
            /**
             * Warm Start
             * @description Learn from an earlier tuning job (id or name). May be repeated.
             */
            warm_start?: string[];
        };
        /** ValidationError */
        ValidationError: {
            /** Context */
            ctx?: Record<string, never>;
            /** Input */
            input?: unknown;
            /** Location */
            loc: (string | number)[];
            /** Message */
            msg: string;
            /** Error Type */
            type: string;
        };
        /**
         * VersionDiff
         * @description The difference from one version to another, of one model or of two.
         */
        VersionDiff: {
            /** After */
            after: string;
            /** Before */
            before: string;
            /** Changes */
            changes: components["schemas"]["Change"][];
            /** Code */
            code: string[];
        };
        /**
         * VersionView
         * @description A version with where it stands now.
         */
        VersionView: {
            /** Aliases */
            aliases?: string[];
            /**
             * Approval
             * @default pending
             * @enum {string}
             */
            approval: "pending" | "approved" | "rejected";
            /** Baseline */
            baseline?: string | null;
            /** Captures */
            captures?: {
                [key: string]: string;
            };
            /** Created At */
            created_at: number;
            /**
             * Description
             * @default
             */
            description: string;
            /** Digest */
            digest: string;
            /** Environment */
            environment?: {
                [key: string]: string;
            };
            /** Format */
            format: string;
            /** Job */
            job: string | null;
            /** Metrics */
            metrics?: {
                [key: string]: number;
            };
            /** Model */
            model: string;
            /** Number */
            number: number;
            /** Output */
            output: string;
            /** Parameters */
            parameters?: {
                [key: string]: components["schemas"]["JsonValue"];
            };
            /** Signature */
            signature?: {
                [key: string]: components["schemas"]["JsonValue"];
            } | null;
            /** Size */
            size: number;
            /** Source */
            source: string;
            /**
             * Stage
             * @default candidate
             * @enum {string}
             */
            stage: "candidate" | "staging" | "production" | "archived";
            /** Tags */
            tags?: {
                [key: string]: string;
            };
            /** Type */
            type: string;
        };
        /**
         * WakeSpec
         * @description Which revision shall have a replica; unset: each that has traffic.
         */
        WakeSpec: {
            /** Revision */
            revision?: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    missing_blobs_missing_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Digests"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Missing"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    get_blob_blobs__digest__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description sha256, hexadecimal. */
                digest: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    put_blob_blobs__digest__put: {
        parameters: {
            query?: never;
            header?: {
                /** @description Name of a file in the local store's `incoming` to take over instead of a body. */
                "x-slml-incoming"?: string | null;
            };
            path: {
                /** @description sha256, hexadecimal. */
                digest: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Stored"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    list_endpoints_endpoints_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointList"];
                };
            };
        };
    };
    deploy_endpoints_put: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeploySpec"];
            };
        };
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    get_endpoint_endpoints__name__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    remove_endpoint_endpoints__name__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    open_console_endpoints__name__console_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ConsoleSpec"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsoleView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    close_console_endpoints__name__console__key__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    list_decisions_endpoints__name__decisions_get: {
        parameters: {
            query?: {
                limit?: number;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DecisionList"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    get_load_endpoints__name__load_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointLoad"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    list_revisions_endpoints__name__revisions_get: {
        parameters: {
            query?: {
                limit?: number;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RevisionList"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    roll_back_endpoint_endpoints__name__rollback_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["TakeBackSpec"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    scale_endpoint_endpoints__name__scale_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ScaleSpec"];
            };
        };
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    share_traffic_endpoints__name__traffic_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TrafficSpec"];
            };
        };
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    wake_endpoint_endpoints__name__wake_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["WakeSpec"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    read_events_events_get: {
        parameters: {
            query?: {
                /** @description Events after this id; -1 means from now on. */
                after?: number;
                limit?: number;
            };
            header?: {
                accept?: string | null;
                "last-event-id"?: number | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventPage"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    collect_gc_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Collect"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Collected"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    list_instances_instances_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InstanceList"];
                };
            };
        };
    };
    list_jobs_jobs_get: {
        parameters: {
            query?: {
                /** @description States, separated by commas. */
                state?: string;
                name?: string | null;
                /** @description Part of the name, or an id. */
                text?: string | null;
                /** @description Cursor of the next page. */
                before?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobPage"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    submit_jobs_post: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobSpec"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    delete_jobs_jobs_delete_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeleteMany"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobIds"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    stop_jobs_jobs_stop_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StopMany"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobIds"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    diff_jobs_jobs__before__diff__after__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                before: string;
                after: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobDiff"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    get_job_jobs__job__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    list_attempts_jobs__job__attempts_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AttemptList"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    read_displays_jobs__job__displays_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Displays"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    read_logs_jobs__job__logs_get: {
        parameters: {
            query?: {
                /** @description Position: `last` of the page before. */
                after?: number;
                /** @description Bytes of a page; an entry is never cut. */
                limit?: number;
                /** @description The last page instead of the first. */
                tail?: boolean;
            };
            header?: {
                accept?: string | null;
                "last-event-id"?: number | null;
            };
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogPage"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    read_metrics_jobs__job__metrics_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MetricPoints"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    read_output_jobs__job__outputs__name__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    read_parts_jobs__job__parts_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartList"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    read_search_jobs__job__search_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    stop_job_jobs__job__stop_post: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    read_trials_jobs__job__trials_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TrialList"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    wait_for_job_jobs__job__wait_get: {
        parameters: {
            query?: {
                timeout?: number;
                /** @description Answer as soon as the job is newer than this. */
                revision?: number | null;
            };
            header?: never;
            path: {
                job: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    list_models_models_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelList"];
                };
            };
        };
    };
    register_models_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RegisterSpec"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    decide_models_decide_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DecisionSpec"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Moved"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    import_model_models_import_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ImportSpec"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    promote_models_promote_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PromoteSpec"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Moved"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    roll_back_models_rollback_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RollbackSpec"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Moved"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    get_model_models__name__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelDetail"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    remove_alias_models__name__aliases__alias__delete: {
        parameters: {
            query?: {
                reason?: string;
                actor?: string;
            };
            header?: never;
            path: {
                name: string;
                alias: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Moved"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    list_transitions_models__name__transitions_get: {
        parameters: {
            query?: {
                number?: number | null;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransitionList"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    get_version_models__name__versions__number__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    delete_version_models__name__versions__number__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    read_artifact_models__name__versions__number__artifact_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    read_baseline_models__name__versions__number__baseline_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    read_card_models__name__versions__number__card_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    list_evidence_models__name__versions__number__evidence_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
                number: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EvidenceList"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    diff_versions_references_diff_get: {
        parameters: {
            query: {
                /** @description NAME, NAME@VERSION, NAME@STAGE or NAME@ALIAS. */
                before: string;
                /** @description NAME, NAME@VERSION, NAME@STAGE or NAME@ALIAS. */
                after: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionDiff"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    resolve_references_resolve_get: {
        parameters: {
            query: {
                /** @description NAME, NAME@VERSION, NAME@STAGE or NAME@ALIAS. */
                reference: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    read_settings_settings_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
        };
    };
    write_settings_settings_put: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Settings"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    shutdown_shutdown_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Shutdown"];
            };
        };
        responses: {
            /** @description Successful Response */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Shutdown"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    status_status_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
        };
    };
    list_tokens_tokens_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenList"];
                };
            };
        };
    };
    make_token_tokens_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenSpec"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewToken"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
    remove_token_tokens__key__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenView"];
                };
            };
            /** @description Validation Error */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HTTPValidationError"];
                };
            };
        };
    };
}
