"""Every fault that the program must survive, with the tests that prove it or the reason why not.

A row is the number of the fault, the fault in a few words, its tests, and a reason. A row without a
reason is proved by its tests. A reason begins with one of KINDS: what the tests do not prove, why
there is no test yet, or why the fault cannot happen here.
"""

MISSING, NOT_YET, NOT_APPLICABLE = KINDS = ("missing: ", "not yet: ", "not applicable: ")
SECTIONS = {"A": 29, "B": 14, "C": 20, "D": 23, "E": 13, "F": 10}

TIFF = "tests/io/test_tiff.py"
ONE_COLOUR = "tests/io/test_one_colour.py"
HOSTILE_TIFF = "tests/io/test_hostile_tiff.py"
BLOCKS = "tests/io/test_tiff_blocks.py"
CONTAINERS = "tests/io/test_containers.py"
HOSTILE_JSON = "tests/io/test_hostile_json.py"
TABLES = "tests/io/test_tables_and_plates.py"
PROJECT = "tests/io/test_project.py"
DISK = "tests/io/test_disk_errors.py"
LEFT_OVER = "tests/io/test_gone_and_left_over.py"
LOCK = "tests/io/test_lock.py"
SCAN = "tests/scanning/test_scan.py"
FIND = "tests/scanning/test_find_files.py"
PLATE_MAPS = "tests/scanning/test_plate_maps.py"
SAFETY = "tests/test_safety.py"
EARLIER = "tests/test_earlier_versions.py"
FOREIGN_CODE = "tests/test_foreign_code.py"
LOAD = "tests/models/test_load.py"
FOREIGN_WEIGHTS = "tests/models/test_foreign_weights.py"
OTHER_NETWORKS = "tests/models/test_other_networks.py"
CHECKPOINT = "tests/training/test_checkpoint.py"
LOOP = "tests/training/test_loop.py"
STOPPING = "tests/training/test_stopping.py"
EVALUATE = "tests/training/test_evaluate.py"
SPLIT = "tests/data/test_split.py"
BATCHES = "tests/data/test_batches_and_readouts.py"
ENCODE = "tests/counterfactual/test_encode_decode.py"
MAP = "tests/latent_map/test_projection_and_decision_regions.py"
AUDIT = "tests/screening/test_audit.py"
RANKING = "tests/screening/test_ranking.py"
SCREENING = "tests/workflows/test_screening.py"
SCREEN_FILES = "tests/workflows/test_screen_files.py"
CHECK = "tests/workflows/test_check.py"
RESULT_TABLE = "tests/workflows/test_result_table.py"
CLI = "tests/cli/test_cli.py"
WINDOW = "tests/gui/test_window.py"
WORKER = "tests/gui/test_worker.py"
UNSAVED = "tests/gui/test_unsaved.py"
CRASH = "tests/gui/test_after_a_crash.py"
READ_ONLY = "tests/gui/test_read_only.py"
STATE = "tests/gui/test_settings_and_state.py"
SCREEN_PAGE = "tests/gui/test_screen_page.py"
SCATTER = "tests/gui/test_scatter_view.py"
STORY = "tests/gui/test_story.py"
SMALL = "tests/gui/test_small_widgets.py"
JOBS = "tests/gui/test_jobs.py"
NAMES = "tests/gui/test_names_are_text.py"
NO_SCIENCE = "tests/gui/test_no_science.py"
THUMBNAILS = "tests/gui/test_thumbnails.py"
IN_WINDOW = "tests/gui/test_faults_in_the_window.py"
NUMBER_BOX = "tests/gui/test_number_box.py"

Row = tuple[str, str, tuple[str, ...], str]

# fmt: off
CATALOGUE: tuple[Row, ...] = (
    # A. Image files
    ("A1", "TIFF cut short", (
        f"{TIFF}::test_no_truncation_is_ever_read_as_a_whole_image",
        f"{SCAN}::test_every_broken_file_is_in_the_problems",
    ), ""),
    ("A2", "OME-TIFF cut short before its header text", (
        f"{SCAN}::test_odd_channel_counts_are_left_out_with_the_count",
    ), ""),
    ("A3", "OME text names more planes than the file has", (
        f"{TIFF}::test_missing_planes_are_counted_and_named",
    ), ""),
    ("A4", "a file of an OME-TIFF set is missing", (
        f"{TIFF}::test_missing_planes_are_counted_and_named",
    ), ""),
    ("A5", "OME text refers to a file outside of the folder", (
        f"{TIFF}::test_ome_references_outside_the_folder_are_refused",
    ), ""),
    ("A6", "OME text refers to a device or a pipe", (
        f"{TIFF}::test_ome_references_outside_the_folder_are_refused",
        f"{HOSTILE_TIFF}::test_a_pipe_is_refused_and_never_waited_for",
    ), ""),
    ("A7", "OME text declares far too many or too large planes", (
        f"{HOSTILE_TIFF}::test_too_much_that_is_declared_is_refused_before_memory_is_taken",
    ), ""),
    ("A8", "entities in OME text", (
        f"{TIFF}::test_entity_definitions_in_ome_text_are_not_expanded",
    ), ""),
    ("A9", "a few bytes declare gigabytes of pixels", (
        f"{HOSTILE_TIFF}::test_too_much_that_is_declared_is_refused_before_memory_is_taken",
    ), ""),
    ("A10", "a small compressed file inflates to gigabytes", (
        f"{HOSTILE_TIFF}::test_too_much_that_is_declared_is_refused_before_memory_is_taken",
    ), ""),
    ("A11", "a strip inflates to more than its image", (
        f"{HOSTILE_TIFF}::test_a_strip_that_inflates_beyond_its_image_takes_no_memory",
    ), ""),
    ("A12", "100,000 pages", (
        f"{TIFF}::test_too_many_pages_are_refused_at_once",
    ), ""),
    ("A13", "the page list runs in a circle", (
        f"{HOSTILE_TIFF}::test_a_page_list_that_runs_in_a_circle_is_refused",
    ), ""),
    ("A14", "a private tag claims 4 GB", (
        f"{HOSTILE_TIFF}::test_a_tag_that_claims_gigabytes_is_reported",
    ), ""),
    ("A15", "flipped bytes in the header", (
        f"{TIFF}::test_flipped_header_bytes_never_raise_anything_but_bad_image",
        f"{BLOCKS}::test_bits_that_the_blocks_do_not_hold_are_refused",
        f"{BLOCKS}::test_rows_that_the_blocks_do_not_hold_are_refused",
    ), ""),
    ("A16", "flipped bytes in the pixels", (
        f"{SAFETY}::test_an_image_changed_after_the_scan_is_refused_by_name",
    ), ""),
    ("A17", "the many exceptions of tifffile", (
        f"{TIFF}::test_flipped_header_bytes_never_raise_anything_but_bad_image",
        f"{TIFF}::test_damaged_headers_of_a_foreign_collection_raise_nothing_but_bad_image",
    ), ""),
    ("A18", "empty files, text with the ending .tif, side-files", (
        f"{SCAN}::test_every_broken_file_is_in_the_problems",
    ), ""),
    ("A19", "a screenshot in place of raw data", (
        f"{ONE_COLOUR}::test_a_picture_of_several_colours_is_refused",
        f"{TIFF}::test_every_way_of_writing_an_image_gives_channels_first_or_a_reason",
    ), ""),
    ("A20", "channels last, Z or T of length 3", (
        f"{TIFF}::test_all_layouts_of_one_picture_give_the_same_pixels",
        f"{TIFF}::test_every_way_of_writing_an_image_gives_channels_first_or_a_reason",
    ), "missing: a guess of the axes is a warning in the list of problems, without preview or"
       " question."),
    ("A21", "another order of channels in some files", (
        f"{SCAN}::test_channels_stored_in_another_order_are_mapped_by_name",
        f"{SCAN}::test_other_stains_are_refused_until_mapped",
    ), ""),
    ("A22", "mixed bit depth", (
        f"{SCAN}::test_bit_depths_sizes_and_pixel_sizes_that_differ_are_told",
    ), "missing: 12 bits stored in 16 are not told from 16 bits, and no histogram is shown."),
    ("A23", "mixed pixel size", (
        f"{SCAN}::test_bit_depths_sizes_and_pixel_sizes_that_differ_are_told",
    ), "missing: neither resampling nor leaving one group out is offered."),
    ("A24", "saturated, black, blurred or empty fields", (
        f"{SCAN}::test_dead_channels_are_named_and_saturation_is_flagged",
    ), "missing: fields without focus or without cells are not flagged by the scan."),
    ("A25", "pixels that are not numbers", (
        f"{TIFF}::test_the_count_of_missing_numbers_is_told",
    ), ""),
    ("A26", "the same image in two conditions", (
        f"{SCAN}::test_the_same_picture_in_two_conditions_is_left_out",
        f"{SCAN}::test_copies_within_a_condition_share_a_group",
    ), ""),
    ("A27", "OME-Zarr with missing chunks", (
        f"{FIND}::test_a_zarr_folder_without_images_is_named_and_its_files_are_no_images",
        f"{CONTAINERS}::test_a_missing_chunk_is_never_zeros",
        f"{CONTAINERS}::test_a_gap_in_a_shard_is_never_zeros",
        f"{CONTAINERS}::test_a_codec_that_could_run_code_is_refused",
    ), ""),
    ("A28", "a codec is not installed", (
    ), "not applicable: imagecodecs with all codecs is a dependency of the program."),
    ("A29", "more than 2^31 pixels", (
        f"{HOSTILE_TIFF}::test_too_much_that_is_declared_is_refused_before_memory_is_taken",
    ), ""),
    # B. Tables, plate maps, names, paths
    ("B1", "A1 in the map, A01 in the file names", (
        f"{TABLES}::test_wells_are_normalised",
        f"{PLATE_MAPS}::test_wells_that_are_written_in_another_way_are_counted",
    ), ""),
    ("B2", "separators, decimal commas, encodings", (
        f"{TABLES}::test_every_usual_encoding_and_separator_is_read",
        f"{PLATE_MAPS}::test_a_decimal_comma_and_a_column_of_units",
        f"{PLATE_MAPS}::test_the_scan_verb_can_show_the_map_alone",
    ), "missing: only the command line shows a map before it is used, the window does not."),
    ("B3", "a well twice, or beyond the plate", (
        f"{TABLES}::test_a_wrong_table_is_refused_by_row",
        f"{PLATE_MAPS}::test_a_grid_that_is_not_clear_is_refused_by_row",
    ), ""),
    ("B4", "spellings of one treatment", (
        f"{SCAN}::test_spellings_are_kept_apart_with_a_proposal_and_merged_on_demand",
    ), ""),
    ("B5", "names that Excel turned into dates or numbers", (
        f"{TABLES}::test_conditions_that_became_dates_are_told",
        f"{PLATE_MAPS}::test_names_that_a_spreadsheet_changed_are_reported",
    ), "missing: leading zeros that a spreadsheet took from barcodes are not recognised."),
    ("B6", "an empty treatment", (
        f"{SCAN}::test_plate_map_decides_where_folders_are_plates",
    ), "missing: the well is left out and named, without a question."),
    ("B7", "paths out of the folder", (
        f"{TABLES}::test_a_wrong_table_is_refused_by_row",
        f"{PROJECT}::test_records_that_point_outside_are_refused",
        f"{SCAN}::test_links_out_of_the_folder_and_loops_are_not_followed",
    ), ""),
    ("B8", "formulas as names", (
        f"{TABLES}::test_formula_text_is_disarmed_and_numbers_are_not",
        f"{RESULT_TABLE}::test_a_plate_map_of_names_that_look_like_formulas_reads_back",
    ), ""),
    ("B9", "names that Windows does not allow", (
        f"{TABLES}::test_names_become_legal_file_names",
        f"{SAFETY}::test_records_with_long_alike_names_keep_files_of_their_own",
    ), ""),
    ("B10", "long and foreign paths", (
        f"{PROJECT}::test_a_project_comes_back_as_it_was_saved",
        f"{SCAN}::test_a_name_that_is_no_text_is_a_problem_and_ends_nothing",
    ), "missing: paths of more than 260 characters on Windows and twins in NFC and NFD are not"
       " tested."),
    ("B11", "WT and wt", (
        f"{FIND}::test_conditions_that_differ_by_case_are_kept_apart_with_a_proposal",
    ), ""),
    ("B12", "a million rows", (
        f"{SCAN}::test_stopping_a_scan_stops_it",
    ), "missing: the time until a million rows are shown is not measured."),
    ("B13", "markup in names", (
        f"{NAMES}::test_names_that_are_markup_stay_text_on_every_page",
    ), ""),
    ("B14", "loops of links, very large folders", (
        f"{SCAN}::test_links_out_of_the_folder_and_loops_are_not_followed",
        f"{FIND}::test_a_link_that_cannot_be_followed_is_a_problem_and_ends_nothing",
        f"{FIND}::test_a_search_through_many_folders_can_be_stopped",
        f"{FIND}::test_a_folder_with_too_many_entries_is_refused",
    ), ""),
    # C. Model, project and settings files
    ("C1", "code in a weights file", (
        f"{FOREIGN_WEIGHTS}::test_code_in_a_weights_file_is_never_run",
    ), ""),
    ("C2", "torch with known holes", (
    ), "not applicable: the program needs torch 2.10, in which both holes are closed."),
    ("C3", "damaged safetensors", (
        f"{PROJECT}::test_damaged_or_missing_models_are_told",
        f"{PROJECT}::test_weights_of_another_training_are_refused",
        f"{CHECKPOINT}::test_each_of_many_damaged_checkpoints_is_equal_or_the_one_before_is_taken",
    ), ""),
    ("C4", "another kind of file with the ending of weights", (
        f"{FOREIGN_WEIGHTS}::test_renamed_weights_and_scripts_are_refused_by_name",
    ), ""),
    ("C5", "weights that inflate", (
        f"{OTHER_NETWORKS}::test_weights_that_unpack_to_more_than_the_file_are_not_opened",
        f"{HOSTILE_JSON}::test_arrays_that_unpack_to_more_than_the_file_are_not_opened",
    ), ""),
    ("C6", "weights with numpy numbers or random states", (
        f"{FOREIGN_WEIGHTS}::test_weights_with_more_than_weights_are_refused_by_name",
    ), "missing: no helper takes the weights out in a process of its own."),
    ("C7", "arrays of objects, joblib, pickle", (
        f"{TABLES}::test_object_arrays_are_never_unpickled",
    ), ""),
    ("C8", "a stored UMAP of an older numba", (
    ), "not applicable: the map is stored as arrays, never as an object."),
    ("C9", "weights of another network, other conditions or channels", (
        f"{LOAD}::test_weights_of_another_network_are_refused",
        f"{LOAD}::test_a_card_that_contradicts_its_network_is_refused",
        f"{CLI}::test_a_model_for_other_channels_is_refused",
    ), ""),
    ("C10", "weights that are not numbers", (
        f"{PROJECT}::test_weights_that_are_not_numbers_are_never_saved",
        f"{HOSTILE_JSON}::test_weights_that_are_not_numbers_are_refused_when_read",
    ), ""),
    ("C11", "a model for another preprocessing or pixel size", (
        f"{CLI}::test_a_model_for_another_pixel_size_is_used_with_a_warning",
    ), ""),
    ("C12", "results of another model", (
        f"{SCREEN_PAGE}::test_a_screen_of_another_model_says_so",
        f"{WINDOW}::test_a_map_of_another_model_is_not_shown",
        f"{SAFETY}::test_a_map_of_relabelled_images_is_not_drawn",
    ), ""),
    ("C13", "a project as a zip file", (
    ), "not applicable: a project is a folder, and no zip file is ever unpacked into a folder."),
    ("C14", "a project of a newer program", (
        f"{READ_ONLY}::test_a_newer_project_opens_for_reading",
        f"{PROJECT}::test_a_newer_project_is_neither_opened_nor_overwritten",
    ), ""),
    ("C15", "a project of an older program", (
        f"{EARLIER}::test_a_project_of_version_0_1_opens_with_all_its_parts",
        f"{EARLIER}::test_what_is_written_today_has_the_same_format",
        f"{PROJECT}::test_saving_keeps_the_state_before",
    ), ""),
    ("C16", "project or images were moved", (
        f"{PROJECT}::test_a_project_finds_its_images_after_both_moved",
        f"{PROJECT}::test_relinking_proves_that_the_images_are_the_same",
        f"{CHECK}::test_relink_takes_the_moved_images_and_refuses_others",
    ), ""),
    ("C17", "a part of the project cannot be read", (
        f"{READ_ONLY}::test_a_damaged_project_opens_from_its_backup_and_stays_as_it_is",
        f"{CHECK}::test_every_damaged_part_is_named_and_a_repair_keeps_the_files",
    ), ""),
    ("C18", "damaged settings, a monitor that is gone", (
        f"{CRASH}::test_settings_of_nonsense_are_put_aside_and_the_window_says_so",
        f"{CRASH}::test_a_window_whose_screen_is_gone_opens_where_it_can_be_seen",
    ), ""),
    ("C19", "code in the working folder", (
        f"{FOREIGN_CODE}::test_verbs_run_no_code_of_the_working_folder",
        f"{FOREIGN_CODE}::test_python_m_runs_no_code_of_the_working_folder",
        f"{FOREIGN_CODE}::test_the_window_its_jobs_and_its_model_run_no_code_of_the_working_folder",
    ), "missing: libraries (DLLs) in the working folder on Windows are not tested."),
    ("C20", "JSON: nesting, NaN, a key twice, a gigabyte", (
        f"{PROJECT}::test_damaged_projects_are_refused_and_left_as_they_are",
        f"{PROJECT}::test_a_key_that_stands_twice_is_refused",
        f"{SCREENING}::test_a_damaged_screen_is_told_in_words",
        f"{HOSTILE_JSON}::test_a_file_of_gigabytes_is_refused_unread",
    ), ""),
    # D. Storage and system
    ("D1", "killed while saving", (
        f"{LEFT_OVER}::test_what_a_killed_save_left_is_swept_and_what_is_being_written_stays",
        f"{CRASH}::test_the_next_start_says_so_and_shows_the_log",
    ), "missing: kills at every position are a benchmark (`leigh bench faults`), not a test."),
    ("D2", "power failure", (
    ), "not yet: it needs a replay of disk blocks, and the program claims nothing about it."),
    ("D3", "disk full while saving", (
        f"{UNSAVED}::test_a_full_disk_is_shown_and_saved_to_once_it_has_space",
        f"{UNSAVED}::test_what_cannot_be_saved_here_is_saved_elsewhere",
    ), "missing: the message does not say how much space is needed and how much is free."),
    ("D4", "disk full while exporting", (
        f"{DISK}::test_a_write_that_fails_half_way_names_the_file_and_not_the_temporary_one",
        f"{SCREEN_FILES}::test_a_screen_that_cannot_be_written_leaves_all_old_files",
    ), ""),
    ("D5", "no permission to write", (
        f"{CLI}::test_places_that_cannot_be_written_are_the_users_fault",
    ), "missing: that the place is tried before the work begins is not tested for every verb."),
    ("D6", "a network share vanishes while reading", (
        f"{DISK}::test_every_fault_of_a_disk_has_its_file_its_cause_and_its_remedy",
    ), "missing: a job stops with the reason, but does not wait for the share and go on."),
    ("D7", "a share returns old or short data", (
        f"{SAFETY}::test_an_image_changed_after_the_scan_is_refused_by_name",
    ), "missing: the file is refused at once and not read a second time."),
    ("D8", "another drive letter", (
        f"{PROJECT}::test_a_project_finds_its_images_after_both_moved",
        f"{PROJECT}::test_relinking_proves_that_the_images_are_the_same",
    ), ""),
    ("D9", "a virus scanner holds the file", (
    ), "not yet: saving tries six times, but only Windows blocks a file in this way."),
    ("D10", "two programs, one project", (
        f"{READ_ONLY}::test_the_second_program_reads_and_is_told_who_has_the_project",
        f"{LOCK}::test_of_programs_that_race_one_has_the_project",
    ), ""),
    ("D11", "the lock of a dead program or computer", (
        f"{LOCK}::test_the_lock_of_a_killed_program_is_taken_over_at_once",
        f"{LOCK}::test_a_computer_that_died_loses_the_project",
    ), "missing: the window does not say from whom the project was taken over."),
    ("D12", "SQLite on a share", (
    ), "not applicable: a project has no database, only whole files that are replaced."),
    ("D13", "a clock that jumps", (
    ), "not applicable: no file is chosen by its time; every save replaces the one before."),
    ("D14", "a process runs out of memory", (
        f"{WORKER}::test_killed_process_is_started_again_and_answers",
    ), "missing: a job that is killed for memory does not go on with smaller batches."),
    ("D15", "the GPU runs out of memory", (
    ), "not yet: batches are not made smaller, and the tests have no GPU."),
    ("D16", "the GPU driver is reset", (
        f"{WORKER}::test_killed_process_is_started_again_and_answers",
        f"{STOPPING}::test_a_killed_training_resumes_and_finishes",
    ), "missing: a real reset of a driver is not tested, only the death of the process."),
    ("D17", "a computer without GPU", (
        f"{STOPPING}::test_a_killed_training_resumes_and_finishes",
    ), "missing: that the window names the device is not tested."),
    ("D18", "sleep, remote desktop, another screen", (
    ), "not yet: it needs a real desktop that sleeps and changes its screens."),
    ("D19", "the worker is killed", (
        f"{WORKER}::test_killed_process_is_started_again_and_answers",
        f"{WORKER}::test_a_path_that_was_being_computed_is_asked_again_after_a_crash",
        f"{SAFETY}::test_a_stopped_export_keeps_the_evidence_of_what_it_moved_and_another_target"
        "_adds_to_it",
    ), "missing: a job is one process, which is not started again by itself."),
    ("D20", "the window is killed", (
        f"{WORKER}::test_model_and_jobs_of_a_killed_window_end",
        f"{STOPPING}::test_a_killed_training_resumes_and_finishes",
    ), "missing: an export begins again, because only training offers to go on."),
    ("D21", "an image that kills its process", (
        f"{WORKER}::test_a_request_that_always_crashes_does_not_loop_forever",
    ), "missing: in a job such an image ends the job, not only its own row."),
    ("D22", "the folder for temporary files is full", (
    ), "not applicable: nothing is cached on disk, and temporary files lie next to their target."),
    ("D23", "another program changes an image", (
        f"{SAFETY}::test_an_image_changed_after_the_scan_is_refused_by_name",
        f"{THUMBNAILS}::test_a_file_that_changed_on_disk_is_not_shown",
        f"{THUMBNAILS}::test_images_that_were_scanned_again_get_new_pictures",
    ), ""),
    # E. Training and numbers
    ("E1", "loss or gradient is not a number", (
        f"{LOOP}::test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_state",
        f"{LOOP}::test_a_training_that_breaks_down_goes_on_from_its_average_at_half_the_rate",
    ), ""),
    ("E2", "killed while training", (
        f"{STOPPING}::test_a_killed_training_resumes_and_finishes",
        f"{LOOP}::test_a_stopped_training_resumes_to_bit_identical_weights",
    ), "missing: a training goes on when the user asks for it, not by itself."),
    ("E3", "a damaged checkpoint", (
        f"{CHECKPOINT}::test_each_of_many_damaged_checkpoints_is_equal_or_the_one_before_is_taken",
        f"{LOOP}::test_a_damaged_checkpoint_falls_back_to_the_one_before",
    ), ""),
    ("E4", "the network cannot be inverted", (
        f"{ENCODE}::test_a_network_that_cannot_be_inverted_shows_its_reason_and_no_change",
        f"{WINDOW}::test_an_invalid_counterfactual_is_not_drawn_and_not_followed",
    ), ""),
    ("E5", "too few images or conditions", (
        f"{SPLIT}::test_one_condition_is_refused",
        f"{SPLIT}::test_one_group_is_refused",
        f"{EVALUATE}::test_no_accuracy_is_claimed_when_one_condition_only_is_held_out",
    ), ""),
    ("E6", "plate and condition coincide", (
        f"{AUDIT}::test_plates_that_differ_are_named",
        f"{RANKING}::test_plates_that_lie_apart_need_their_own_controls",
        f"{SCREENING}::test_blocks_of_columns_on_a_plate_of_real_images_are_named",
    ), "missing: the accuracy of a model carries no warning of this, only a screen does."),
    ("E7", "1 image of one condition to 50 of another", (
        f"{BATCHES}::test_every_condition_is_drawn_equally_often_whatever_its_size",
        "tests/workflows/test_few_wells.py::test_a_condition_with_far_fewer_images_is_named",
        f"{EVALUATE}::test_unequal_conditions_are_known_by_their_balanced_accuracy",
    ), "missing: the window does not show that conditions are weighted."),
    ("E8", "a counterfactual outside of the data", (
        f"{ENCODE}::test_clipped_pixels_are_counted",
        f"{MAP}::test_places_far_from_any_record_have_no_support",
        f"{SCATTER}::test_no_colour_where_there_is_no_data",
        f"{WINDOW}::test_a_handle_without_data_under_it_or_without_a_way_is_said",
    ), ""),
    ("E9", "a score of an empty field", (
        f"{SCREENING}::test_wells_without_cells_are_left_out_and_named",
    ), "missing: outside of a screen the model names a condition for an empty field, too."),
    ("E10", "an unknown condition", (
        f"{MAP}::test_records_unlike_all_training_records_are_named",
        f"{IN_WINDOW}::test_an_image_unlike_all_others_says_so",
    ), ""),
    ("E11", "another result on another GPU", (
    ), "not yet: the tests have no GPU; the benchmark of the GPU states the tolerance."),
    ("E12", "a map of three, equal or uniform points", (
        f"{MAP}::test_few_records_get_principal_components_and_the_map_says_so",
        f"{MAP}::test_equal_records_get_principal_components_and_a_finite_map",
    ), ""),
    ("E13", "the user stops the work", (
        f"{STOPPING}::test_the_line_stop_ends_training_with_a_resumable_checkpoint",
        f"{JOBS}::test_stop_ends_the_job_and_what_would_follow",
        f"{WORKER}::test_closing_ends_a_process_that_is_frozen",
    ), "missing: the limit of two seconds is not measured for every verb."),
    # F. Window
    ("F1", "random clicks and keys", (
        f"{WINDOW}::test_random_clicks_and_keys_never_raise",
        f"{SCREEN_PAGE}::test_random_clicks_on_the_screen_page_never_raise",
    ), "missing: there are hundreds of events, not a hundred thousand."),
    ("F2", "an exception in a slot", (
        f"{IN_WINDOW}::test_an_exception_in_a_slot_or_a_thread_is_shown_and_the_window_goes_on",
    ), ""),
    ("F3", "closing during a job", (
        f"{WINDOW}::test_closing_during_a_job_asks",
        f"{UNSAVED}::test_a_job_that_ends_while_the_window_is_hidden_brings_it_back_to_ask",
    ), ""),
    ("F4", "undo after relabelling 1000 images", (
        f"{STATE}::test_relabelling_a_thousand_images_is_one_undo",
    ), ""),
    ("F5", "dropping a folder of 100,000 files", (
        f"{STORY}::test_a_dropped_folder_becomes_a_project_and_is_summed_up",
        f"{SMALL}::test_dropped_file_stands_for_its_folder",
    ), "missing: the folder of the test holds four images."),
    ("F6", "long work in the window", (
        f"{NO_SCIENCE}::test_the_first_click_on_a_page_is_cheap",
        f"{NO_SCIENCE}::test_no_page_imports_science",
    ), "missing: the longest pause is not measured while jobs run."),
    ("F7", "scaling, dark mode, small and large screens", (
        f"{WINDOW}::test_nothing_is_clipped_at_1366x768",
    ), "missing: scaling of 150 and 200 %, the dark mode and 4K are not tested for clipping."),
    ("F8", "colour-blind users", (
    ), "not yet: up to eight conditions have one shape and differ on the map by colour alone."),
    ("F9", "a crash of Qt or the driver", (
        f"{CRASH}::test_a_run_that_was_killed_is_known_and_one_that_is_open_is_not",
        f"{CRASH}::test_the_next_start_says_so_and_shows_the_log",
    ), "missing: the next start does not offer to draw without the graphics card."),
    ("F10", "a decimal comma", (
        f"{NUMBER_BOX}::test_a_decimal_comma_and_a_decimal_point_are_the_same_number",
        f"{PLATE_MAPS}::test_a_decimal_comma_and_a_column_of_units",
        f"{RESULT_TABLE}::test_a_table_saved_by_a_spreadsheet_keeps_its_rows",
    ), ""),
)
# fmt: on
